/* input.c - see input.h. */
#include "http/input.h"

enum { WHY_MAX = 200 };

enum status input_parse(const char *text, size_t len, struct json_object *out,
                        struct problem_errors *errors)
{
  char why[WHY_MAX];
  *out = (struct json_object){0};
  if (json_object_parse(text, len, out, why, sizeof why) == ST_OK) return ST_OK;
  problem_errors_add(errors, "", "INVALID_JSON", why);
  return ST_INVALID;
}
