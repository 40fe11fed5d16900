/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: 6e834a56c07d092b0205b2cf3b74212a7ab32d35 */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_request_id, 0, 0, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_handle_request, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, callback, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_is_worker, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_on_idle, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, callback, IS_CALLABLE, 1)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, seconds, IS_DOUBLE, 0, "1.0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_worker_id, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_server_info, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_finish_request, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

#define arginfo_fastcgi_finish_request arginfo_phpsrv_finish_request

#define arginfo_litespeed_finish_request arginfo_phpsrv_finish_request

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_headers_send, 0, 0, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, status, IS_LONG, 0, "200")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_request_heartbeat, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, seconds, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_log, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, message, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, level, IS_STRING, 0, "\"info\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, context, IS_ARRAY, 0, "[]")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_metric_counter, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, value, IS_DOUBLE, 0, "1")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, labels, IS_ARRAY, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, help, IS_STRING, 0, "\"\"")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_metric_gauge, 0, 2, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_DOUBLE, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, labels, IS_ARRAY, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, help, IS_STRING, 0, "\"\"")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_metric_histogram, 0, 2, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_DOUBLE, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, labels, IS_ARRAY, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, buckets, IS_ARRAY, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, help, IS_STRING, 0, "\"\"")
ZEND_END_ARG_INFO()

#define arginfo_apache_request_headers arginfo_phpsrv_server_info

#define arginfo_getallheaders arginfo_phpsrv_server_info

#define arginfo_apache_response_headers arginfo_phpsrv_server_info

ZEND_FUNCTION(phpsrv_request_id);
ZEND_FUNCTION(phpsrv_handle_request);
ZEND_FUNCTION(phpsrv_is_worker);
ZEND_FUNCTION(phpsrv_on_idle);
ZEND_FUNCTION(phpsrv_worker_id);
ZEND_FUNCTION(phpsrv_server_info);
ZEND_FUNCTION(phpsrv_finish_request);
ZEND_FUNCTION(headers_send);
ZEND_FUNCTION(phpsrv_request_heartbeat);
ZEND_FUNCTION(phpsrv_log);
ZEND_FUNCTION(phpsrv_metric_counter);
ZEND_FUNCTION(phpsrv_metric_gauge);
ZEND_FUNCTION(phpsrv_metric_histogram);
ZEND_FUNCTION(apache_request_headers);
ZEND_FUNCTION(apache_response_headers);

static const zend_function_entry ext_functions[] = {
	ZEND_FE(phpsrv_request_id, arginfo_phpsrv_request_id)
	ZEND_FE(phpsrv_handle_request, arginfo_phpsrv_handle_request)
	ZEND_FE(phpsrv_is_worker, arginfo_phpsrv_is_worker)
	ZEND_FE(phpsrv_on_idle, arginfo_phpsrv_on_idle)
	ZEND_FE(phpsrv_worker_id, arginfo_phpsrv_worker_id)
	ZEND_FE(phpsrv_server_info, arginfo_phpsrv_server_info)
	ZEND_FE(phpsrv_finish_request, arginfo_phpsrv_finish_request)
	ZEND_RAW_FENTRY("fastcgi_finish_request", zif_phpsrv_finish_request, arginfo_fastcgi_finish_request, 0, NULL, NULL)
	ZEND_RAW_FENTRY("litespeed_finish_request", zif_phpsrv_finish_request, arginfo_litespeed_finish_request, 0, NULL, NULL)
	ZEND_FE(headers_send, arginfo_headers_send)
	ZEND_FE(phpsrv_request_heartbeat, arginfo_phpsrv_request_heartbeat)
	ZEND_FE(phpsrv_log, arginfo_phpsrv_log)
	ZEND_FE(phpsrv_metric_counter, arginfo_phpsrv_metric_counter)
	ZEND_FE(phpsrv_metric_gauge, arginfo_phpsrv_metric_gauge)
	ZEND_FE(phpsrv_metric_histogram, arginfo_phpsrv_metric_histogram)
	ZEND_FE(apache_request_headers, arginfo_apache_request_headers)
	ZEND_RAW_FENTRY("getallheaders", zif_apache_request_headers, arginfo_getallheaders, 0, NULL, NULL)
	ZEND_FE(apache_response_headers, arginfo_apache_response_headers)
	ZEND_FE_END
};
