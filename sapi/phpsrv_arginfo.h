/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: 90c70d8079d632679f29da62982b895ff947f5ef */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_request_id, 0, 0, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_worker_id, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_phpsrv_server_info, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

#define arginfo_apache_request_headers arginfo_phpsrv_server_info

#define arginfo_getallheaders arginfo_phpsrv_server_info

#define arginfo_apache_response_headers arginfo_phpsrv_server_info

ZEND_FUNCTION(phpsrv_request_id);
ZEND_FUNCTION(phpsrv_worker_id);
ZEND_FUNCTION(phpsrv_server_info);
ZEND_FUNCTION(apache_request_headers);
ZEND_FUNCTION(apache_response_headers);

static const zend_function_entry ext_functions[] = {
	ZEND_FE(phpsrv_request_id, arginfo_phpsrv_request_id)
	ZEND_FE(phpsrv_worker_id, arginfo_phpsrv_worker_id)
	ZEND_FE(phpsrv_server_info, arginfo_phpsrv_server_info)
	ZEND_FE(apache_request_headers, arginfo_apache_request_headers)
	ZEND_RAW_FENTRY("getallheaders", zif_apache_request_headers, arginfo_getallheaders, 0, NULL, NULL)
	ZEND_FE(apache_response_headers, arginfo_apache_response_headers)
	ZEND_FE_END
};
