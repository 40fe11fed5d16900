/* Requested scripts compiled from their text; see php_eval.h.  Everything around the compilation (prepended
 * files, exit, exceptions, the list of included files) stays php_execute_script's.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_eval.h"

#include "php_engine.h"

static zend_op_array *(*previous_compile_file)(zend_file_handle *file, int type);

/* What zend_eval_string does with a text (Zend/zend_execute_API.c), but from outside of "<?php", with the
 * script's name.  A bailout of the compiler leaves nothing behind: source is the request's memory. */
static zend_op_array *compile_text(zend_file_handle *file, int type)
{
    char *text = NULL;
    size_t len = 0;

    if (!file->primary_script || zend_stream_fixup(file, &text, &len) == FAILURE || len == 0) {
        return previous_compile_file(file, type); /* it says what is wrong with the file */
    }
    zend_compile_position start =
        CG(skip_shebang) ? ZEND_COMPILE_POSITION_AT_SHEBANG : ZEND_COMPILE_POSITION_AT_OPEN_TAG;
    zend_string *name = file->opened_path != NULL ? file->opened_path : file->filename;
    zend_string *source = zend_string_init(text, len, false);
    zend_op_array *compiled = zend_compile_string(source, ZSTR_VAL(name), start);
    zend_string_release(source);
    return compiled;
}

int psv_php_eval_start(const struct psv_config *config, struct psv_error *reterr)
{
    int code = psv_php_engine_start(config, reterr);

    if (code == PSV_OK) { /* after opcache, whose own compiler is behind ours */
        previous_compile_file = zend_compile_file;
        zend_compile_file = compile_text;
    }
    return code;
}

void psv_php_eval_stop(void)
{
    zend_compile_file = previous_compile_file;
    psv_php_engine_stop();
}
