/* The class Phpsrv\Request: what phpsrv_handle_request() hands to a callback that has a parameter.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_request.h"

#include <ext/spl/spl_exceptions.h>

#include "php_functions.h"
#include "php_thread.h"
#include "phpsrv/message.h"
#include "phpsrv_request_arginfo.h"

/* In the order in which the stub declares them. */
enum property {
    PROPERTY_METHOD,
    PROPERTY_TARGET,
    PROPERTY_PATH,
    PROPERTY_QUERY,
    PROPERTY_PROTOCOL,
    PROPERTY_SCHEME,
    PROPERTY_HOST,
    PROPERTY_REMOTE_ADDRESS,
    PROPERTY_HEADERS,
    PROPERTY_ID,
};

static zend_class_entry *class_entry;

/* As zend_objects_new() is for a class without it; but reflection makes no instance of a final class that has
 * one, so all instances have their properties. */
static zend_object *create_object(zend_class_entry *of_class)
{
    zend_object *object = zend_objects_new(of_class);
    object_properties_init(object, of_class);
    return object;
}

void psv_php_worker_request_on_module_init(void)
{
    class_entry = register_class_Phpsrv_Request();
    class_entry->create_object = create_object;
}

static void set_text(zend_object *object, enum property property, struct psv_bytes text)
{
    zval *place = OBJ_PROP_NUM(object, property);
    if (text.len == 0)
        ZVAL_EMPTY_STRING(place);
    else
        ZVAL_STRINGL_FAST(place, text.data, text.len);
    Z_PROP_FLAG_P(place) = 0; /* it is initialised */
}

void psv_php_worker_request_make(const struct psv_message *message, zval *ret_object)
{
    object_init_ex(ret_object, class_entry);
    zend_object *object = Z_OBJ_P(ret_object);
    set_text(object, PROPERTY_METHOD, message->method);
    set_text(object, PROPERTY_TARGET, message->target);
    set_text(object, PROPERTY_PATH, psv_bytes_first(message->target, psv_bytes_find(message->target, '?')));
    set_text(object, PROPERTY_QUERY, message->query);
    set_text(object, PROPERTY_PROTOCOL, message->protocol);
    set_text(object, PROPERTY_SCHEME, message->scheme);
    set_text(object, PROPERTY_HOST, message->server_name);
    set_text(object, PROPERTY_REMOTE_ADDRESS, message->remote_address);
    set_text(object, PROPERTY_ID, message->request_id);
    zval *headers = OBJ_PROP_NUM(object, PROPERTY_HEADERS);
    psv_php_functions_request_headers(message, headers);
    Z_PROP_FLAG_P(headers) = 0;
}

PHP_METHOD(Phpsrv_Request, __construct)
{
    (void)return_value;
    ZEND_PARSE_PARAMETERS_NONE();
}

PHP_METHOD(Phpsrv_Request, header)
{
    zend_string *name;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(name)
    ZEND_PARSE_PARAMETERS_END();
    zend_string *spelled = psv_php_functions_field_name((struct psv_bytes){ZSTR_VAL(name), ZSTR_LEN(name)});
    const zval *headers = OBJ_PROP_NUM(Z_OBJ_P(ZEND_THIS), PROPERTY_HEADERS);
    zval *value = zend_symtable_find(Z_ARRVAL_P(headers), spelled);
    zend_string_release(spelled);
    if (value == NULL)
        RETURN_NULL();
    RETURN_COPY(value);
}

static bool is_current(const zend_object *request)
{
    const struct psv_php_thread *thread = psv_php_thread_current();
    const zval *id = OBJ_PROP_NUM(request, PROPERTY_ID);
    return thread != NULL && thread->job != NULL &&
           zend_string_equals_cstr(Z_STR_P(id), thread->message->request_id.data,
                                   thread->message->request_id.len);
}

PHP_METHOD(Phpsrv_Request, body)
{
    ZEND_PARSE_PARAMETERS_NONE();
    if (!is_current(Z_OBJ_P(ZEND_THIS))) {
        zend_throw_exception(spl_ce_LogicException, "The request is over: its body is gone", 0);
        RETURN_THROWS();
    }
    php_stream *stream = php_stream_open_wrapper("php://input", "rb", 0, NULL);
    if (stream == NULL)
        RETURN_EMPTY_STRING();
    zend_string *text = php_stream_copy_to_mem(stream, PHP_STREAM_COPY_ALL, 0);
    php_stream_close(stream);
    if (text == NULL)
        RETURN_EMPTY_STRING();
    RETURN_STR(text);
}
