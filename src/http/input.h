/*
 * input.h - a JSON object from a client, as a body or as a message. Pure.
 */
#ifndef HTTP_INPUT_H
#define HTTP_INPUT_H

#include <stddef.h>

#include "base/json.h"
#include "http/problem.h"

/* input_parse() is json_object_parse() that adds what is wrong to errors, as INVALID_JSON. On
 * failure out is empty. */
enum status input_parse(const char *text, size_t len, struct json_object *out,
                        struct problem_errors *errors) MUST_CHECK;

#endif
