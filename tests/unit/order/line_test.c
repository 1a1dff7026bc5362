/* line_test.c - events to lines and back; lines nobody should have sent. */
#include "order/line.h"

#include <criterion/criterion.h>
#include <string.h>

static struct order_event event(int32_t seq, enum ox_phase phase, const char *data)
{
  struct order_event e = {.seq = seq,
                          .attempt = 1,
                          .status = "routing",
                          .phase = phase,
                          .at_ms = 1769855400123,
                          .data = data};
  cr_assert(ulid_parse("01J8Z3V4N5P6Q7R8S9T0V1W2X3", ULID_LEN, &e.order_id));
  return e;
}

Test(line, what_is_written_is_read_back)
{
  struct buf out, json;
  buf_init(&out, 1 << 16);
  buf_init(&json, 1 << 16);
  struct order_event first = event(3, OX_ACTIVE, "{\"a\":1}");
  struct order_event last = event(2147483647, OX_SUCCEEDED, NULL);
  event_line_write(&first, &out);
  event_line_write(&last, &out);
  order_event_write(&first, &json);

  const char *text = out.data, *end = out.data + out.len;
  struct event_line line;
  cr_assert(event_line_next(&text, end, &line));
  cr_assert_eq(ulid_compare(&line.order_id, &first.order_id), 0);
  cr_assert_eq(line.seq, 3);
  cr_assert_not(line.terminal);
  cr_assert_eq(line.json_len, json.len);
  cr_assert_arr_eq(line.json, json.data, json.len);
  cr_assert(event_line_next(&text, end, &line));
  cr_assert_eq(line.seq, 2147483647);
  cr_assert(line.terminal);
  cr_assert_not(event_line_next(&text, end, &line));
  cr_assert_eq(text, end);
  buf_deinit(&out);
  buf_deinit(&json);
}

Test(line, each_terminal_phase_is_marked)
{
  for (enum ox_phase phase = OX_QUEUED; phase <= OX_CANCELLED; phase++) {
    struct buf out;
    buf_init(&out, 1 << 16);
    struct order_event e = event(1, phase, NULL);
    event_line_write(&e, &out);
    const char *text = out.data;
    struct event_line line;
    cr_assert(event_line_next(&text, out.data + out.len, &line));
    cr_assert_eq(line.terminal, phase >= OX_SUCCEEDED);
    buf_deinit(&out);
  }
}

Test(line, data_with_line_breaks_stays_on_one_line)
{
  struct buf out;
  buf_init(&out, 1 << 16);
  struct order_event e = event(1, OX_ACTIVE, "{\n  \"a\": \"x\\ny\"\r\n}");
  event_line_write(&e, &out);
  cr_assert_eq(memchr(out.data, '\n', out.len), out.data + out.len - 1);
  cr_assert_not_null(strstr(out.data, "x\\ny"), "an escaped one is part of the value");
  buf_deinit(&out);
}

Test(line, a_buffer_that_is_full_says_so)
{
  struct buf out;
  buf_init(&out, 60);
  struct order_event e = event(1, OX_ACTIVE, NULL);
  event_line_write(&e, &out);
  cr_assert(out.overflow);
  buf_deinit(&out);
}

Test(line, a_message_says_first_whose_it_is)
{
  struct buf out;
  buf_init(&out, 1 << 16);
  struct ulid source = ulid_make(), read;
  struct order_event e = event(1, OX_ACTIVE, NULL);
  event_lines_begin(&source, &out);
  event_line_write(&e, &out);
  const char *text = out.data, *end = out.data + out.len;
  struct event_line line;
  cr_assert(event_lines_source(&text, end, &read));
  cr_assert_eq(ulid_compare(&read, &source), 0);
  cr_assert(event_line_next(&text, end, &line));
  cr_assert_eq(line.seq, 1);
  cr_assert_eq(text, end);
  buf_deinit(&out);
}

Test(line, a_message_of_nobody_is_malformed)
{
  static const char *const nobody[] = {
      "",
      "\n",
      "x\n",
      "01J8Z3V4N5P6Q7R8S9T0V1W2X3", /* cut off */
      "01J8Z3V4N5P6Q7R8S9T0V1W2XU\n",
      "01J8Z3V4N5P6Q7R8S9T0V1W2X31\n",
      "01J8Z3V4N5P6Q7R8S9T0V1W2X3 1 0 {}\n",
  };
  for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
    const char *text = nobody[i];
    struct ulid source;
    cr_assert_not(event_lines_source(&text, text + strlen(text), &source), "%s", nobody[i]);
  }
}

static const char *const malformed[] = {
    "\n",
    "x\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 \n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 1\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 1 \n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 1 0\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 1 0 \n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 1 2 {}\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 0 0 {}\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 -1 0 {}\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 2147483648 0 {}\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 99999999999999999999 0 {}\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 1  0 {}\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X3 1 0 {}", /* no end of line: cut off */
    "01J8Z3V4N5P6Q7R8S9T0V1W2XU 1 0 {}\n",
    "01J8Z3V4N5P6Q7R8S9T0V1W2X31 1 0 {}\n",
};

Test(line, malformed_lines_end_the_reading)
{
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    const char *text = malformed[i];
    struct event_line line = {.seq = 77};
    cr_assert_not(event_line_next(&text, text + strlen(text), &line), "%s", malformed[i]);
    cr_assert_null(text, "%s", malformed[i]);
    cr_assert_eq(line.seq, 77, "set on success only");
    cr_assert_not(event_line_next(&text, NULL, &line), "and again");
  }
}

Test(line, an_empty_message_has_no_lines)
{
  const char *text = "", *start = text;
  struct event_line line;
  cr_assert_not(event_line_next(&text, start, &line));
  cr_assert_eq(text, start);
}
