// SPDX-License-Identifier: BSD-2-Clause
/* write_call.c - an element's call of another's write handler; see write_call.h. */
#include "elements/standard/write_call.h"

#include <stdlib.h>
#include <string.h>

#include "router/router.h"

bool write_call_parse(struct write_call *call, struct element *scope, const char *text,
                      struct errors *errors)
{
    struct write_call v = {0};
    char *word = words_shift(&text), *name;
    size_t length;
    bool ok;

    if (word && !*word) {
        free(word);
        return element_error(scope, errors, "expected 'HANDLER [VALUE]'");
    }
    name = word ? args_unquote(word, &length) : NULL;
    free(word);
    ok = name ? handler_split(scope, name, &v.target, &v.name, errors)
              : element_error(scope, errors, "out of memory");
    free(name);
    if (!ok)
        return false;
    v.value = strdup(text);
    if (!v.value) {
        write_call_free(&v);
        return element_error(scope, errors, "out of memory");
    }
    write_call_free(call);
    *call = v;
    return true;
}

bool write_call_resolve(struct write_call *call, struct element *scope, struct errors *errors)
{
    const char *element = call->target ? call->target->name : "";

    if (!call->name)
        return true;
    call->handler = handler_find(scope->router, call->target, call->name, &call->index);
    if (call->handler && handler_writable(call->handler))
        return true;
    element_error(scope, errors, "no '%s%s%s' write handler", element, *element ? "." : "",
                  call->name);
    call->handler = NULL;
    return false;
}

void write_call_make(struct write_call *call, struct element *caller)
{
    struct errors errors = {0};

    if (!call->handler)
        return;
    if (!handler_call_write(caller->router, call->target, call->handler, call->index, call->value,
                            strlen(call->value), &errors))
        element_log(caller, "calling '%s': %s", call->name, text_string(&errors.text));
    errors_free(&errors);
}

void write_call_free(struct write_call *call)
{
    free(call->name);
    free(call->value);
    *call = (struct write_call){0};
}
