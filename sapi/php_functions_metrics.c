/* phpsrv_metric_*(): the application's own metrics on the internal listener.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "base/error.h"
#include "observe/user_metrics.h"
#include "php_functions.h"

static const double usual_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

/* What one call needs until it returns. */
struct call {
    struct psv_user_metric metric;
    struct psv_prometheus_label labels[PSV_USER_METRIC_LABELS_MAX];
    zend_string *texts[PSV_USER_METRIC_LABELS_MAX]; /* label values that had to be converted */
    size_t texts_len;
    double buckets[PSV_USER_METRIC_BUCKETS_MAX];
};

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct psv_prometheus_label *)a)->name,
                  ((const struct psv_prometheus_label *)b)->name);
}

/** False with an exception. */
static bool take_labels(struct call *call, HashTable *labels, uint32_t argument)
{
    zend_string *name;
    zval *value;
    ZEND_HASH_FOREACH_STR_KEY_VAL (labels, name, value) {
        if (name == NULL ||
            !psv_user_metric_label_is_valid((struct psv_bytes){ZSTR_VAL(name), ZSTR_LEN(name)})) {
            zend_argument_value_error(argument, "must have names of labels as keys: letters, digits, \"_\"");
            return false;
        }
        if (call->metric.labels_len == PSV_USER_METRIC_LABELS_MAX) {
            zend_argument_value_error(argument, "must not have more than %d labels",
                                      PSV_USER_METRIC_LABELS_MAX);
            return false;
        }
        zend_string *text = zval_try_get_string(value);
        if (text == NULL)
            return false;
        call->texts[call->texts_len++] = text;
        call->labels[call->metric.labels_len++] =
            (struct psv_prometheus_label){.name = ZSTR_VAL(name), .value = {ZSTR_VAL(text), ZSTR_LEN(text)}};
    }
    ZEND_HASH_FOREACH_END();
    qsort(call->labels, call->metric.labels_len, sizeof(call->labels[0]), compare_labels);
    call->metric.labels = call->labels;
    return true;
}

static bool take_buckets(struct call *call, HashTable *buckets, uint32_t argument)
{
    zval *value;
    call->metric.buckets = usual_buckets;
    call->metric.buckets_len = ARRAY_SIZE(usual_buckets);
    if (buckets == NULL || zend_hash_num_elements(buckets) == 0)
        return true;
    size_t len = 0;
    ZEND_HASH_FOREACH_VAL (buckets, value) {
        double bound = zval_get_double(value);
        if (len == PSV_USER_METRIC_BUCKETS_MAX || !zend_finite(bound) ||
            (len > 0 && bound <= call->buckets[len - 1])) {
            zend_argument_value_error(argument, "must be up to %d ascending numbers",
                                      PSV_USER_METRIC_BUCKETS_MAX);
            return false;
        }
        call->buckets[len++] = bound;
    }
    ZEND_HASH_FOREACH_END();
    call->metric.buckets = call->buckets;
    call->metric.buckets_len = len;
    return true;
}

static bool check_name_and_value(const struct call *call, double value)
{
    if (!psv_user_metric_name_is_valid(call->metric.name)) {
        zend_argument_value_error(
            1, "must be a metric's name (letters, digits, \"_\", \":\"), and none of the server's own");
        return false;
    }
    if (!zend_finite(value) || (call->metric.kind == PSV_USER_COUNTER && value < 0)) {
        zend_argument_value_error(2, call->metric.kind == PSV_USER_COUNTER ? "must be finite and not negative"
                                                                           : "must be finite");
        return false;
    }
    return true;
}

/** What is left when the arguments are taken; *ret_is_kept: the registry had room. */
static bool record(struct call *call, double value, HashTable *labels, bool *ret_is_kept)
{
    bool is_right = check_name_and_value(call, value) && (labels == NULL || take_labels(call, labels, 3));
    if (is_right) {
        int rc = psv_user_metric_record(&call->metric, value);
        *ret_is_kept = rc == PSV_OK;
        if (rc == PSV_EINVAL) {
            zend_argument_value_error(1, "is the name of a metric of another kind");
            is_right = false;
        }
    }
    for (size_t i = 0; i < call->texts_len; i++)
        zend_string_release(call->texts[i]);
    return is_right;
}

static void take_texts(struct call *call, enum psv_user_metric_kind kind, zend_string *name,
                       zend_string *help)
{
    call->metric = (struct psv_user_metric){.kind = kind, .name = {ZSTR_VAL(name), ZSTR_LEN(name)}};
    if (help != NULL)
        call->metric.help = (struct psv_bytes){ZSTR_VAL(help), ZSTR_LEN(help)};
    call->texts_len = 0;
}

PHP_FUNCTION(phpsrv_metric_counter)
{
    zend_string *name;
    zend_string *help = NULL;
    double value = 1;
    HashTable *labels = NULL;
    struct call call;
    bool is_kept = false;
    ZEND_PARSE_PARAMETERS_START(1, 4)
    Z_PARAM_STR(name)
    Z_PARAM_OPTIONAL
    Z_PARAM_DOUBLE(value)
    Z_PARAM_ARRAY_HT(labels)
    Z_PARAM_STR(help)
    ZEND_PARSE_PARAMETERS_END();
    take_texts(&call, PSV_USER_COUNTER, name, help);
    if (!record(&call, value, labels, &is_kept))
        RETURN_THROWS();
    RETURN_BOOL(is_kept);
}

PHP_FUNCTION(phpsrv_metric_gauge)
{
    zend_string *name;
    zend_string *help = NULL;
    double value;
    HashTable *labels = NULL;
    struct call call;
    bool is_kept = false;
    ZEND_PARSE_PARAMETERS_START(2, 4)
    Z_PARAM_STR(name)
    Z_PARAM_DOUBLE(value)
    Z_PARAM_OPTIONAL
    Z_PARAM_ARRAY_HT(labels)
    Z_PARAM_STR(help)
    ZEND_PARSE_PARAMETERS_END();
    take_texts(&call, PSV_USER_GAUGE, name, help);
    if (!record(&call, value, labels, &is_kept))
        RETURN_THROWS();
    RETURN_BOOL(is_kept);
}

PHP_FUNCTION(phpsrv_metric_histogram)
{
    zend_string *name;
    zend_string *help = NULL;
    double value;
    HashTable *labels = NULL;
    HashTable *buckets = NULL;
    struct call call;
    bool is_kept = false;
    ZEND_PARSE_PARAMETERS_START(2, 5)
    Z_PARAM_STR(name)
    Z_PARAM_DOUBLE(value)
    Z_PARAM_OPTIONAL
    Z_PARAM_ARRAY_HT(labels)
    Z_PARAM_ARRAY_HT(buckets)
    Z_PARAM_STR(help)
    ZEND_PARSE_PARAMETERS_END();
    take_texts(&call, PSV_USER_HISTOGRAM, name, help);
    if (!take_buckets(&call, buckets, 4) || !record(&call, value, labels, &is_kept))
        RETURN_THROWS();
    RETURN_BOOL(is_kept);
}
