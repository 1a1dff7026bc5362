/* problem.h - what the server says is wrong (RFC 9457, and RFC 6749 of a login), for people. */
#ifndef CTL_PROBLEM_H
#define CTL_PROBLEM_H

#include "ctl/command.h"
#include "ctl/http.h"

/* problem_print() says on out why an answer is no 2xx: title, detail, each field's error. Of a 2xx
 * it says what else can be wrong. */
void problem_print(const struct http_answer *answer, FILE *out);

enum exit_code problem_exit(const struct http_answer *answer); /* EXIT_DONE: it is a 2xx */

#endif
