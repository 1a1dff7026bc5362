/* problem.c - see problem.h. */
#include "ctl/problem.h"

#include <string.h>

#include "ctl/member.h"
#include "ctl/table.h"

enum exit_code problem_exit(const struct http_answer *answer)
{
  if (answer->status >= 200 && answer->status < 300) return EXIT_DONE;
  return answer->status >= 400 && answer->status < 500 ? EXIT_REFUSED : EXIT_AWAY;
}

static void print_fields(const struct json_object *problem, FILE *out)
{
  struct json_items errors;
  if (!member_items(problem, "errors", &errors)) return;
  for (size_t i = 0; i < errors.n; i++) {
    struct json_object e;
    if (!member_parse(errors.items[i].text, errors.items[i].len, &e)) continue;
    const char *pointer = member_or(&e, "pointer", "");
    fputs("  ", out);
    table_put(*pointer ? pointer : "the body", out);
    fputs(": ", out);
    table_put(member_or(&e, "detail", ""), out);
    fputc('\n', out);
    json_object_deinit(&e);
  }
  json_items_deinit(&errors);
}

static void print_end(const struct json_object *problem, FILE *out)
{
  const char *code = member_text(problem, "code"), *id = member_text(problem, "requestId");
  if (!code) return;
  fputs("  ", out);
  table_put(code, out);
  if (id) {
    fputs(", request ", out);
    table_put(id, out);
  }
  fputc('\n', out);
}

void problem_print(const struct http_answer *answer, FILE *out)
{
  struct json_object problem;
  if (answer->status == 0) {
    fprintf(out, "oxctl: the server cannot be reached: %s\n", answer->error);
    return;
  }
  if (problem_exit(answer) == EXIT_DONE) {
    fputs("oxctl: the server answers, but not its WebSocket\n", out);
    return;
  }
  if (!member_parse(answer->body.data, answer->body.len, &problem)) {
    fprintf(out, "oxctl: the server answered %ld, and not as ox does\n", answer->status);
    return;
  }
  const char *title = member_or(&problem, "title", member_or(&problem, "error", "refused"));
  const char *detail = member_or(&problem, "detail", member_text(&problem, "error_description"));
  fprintf(out, "oxctl: %ld ", answer->status);
  table_put(title, out);
  if (detail) {
    fputs(": ", out);
    table_put(detail, out);
  }
  fputc('\n', out);
  print_fields(&problem, out);
  print_end(&problem, out);
  if (answer->status == 401 && member_text(&problem, "code"))
    fputs("  see oxctl login --help\n", out);
  json_object_deinit(&problem);
}
