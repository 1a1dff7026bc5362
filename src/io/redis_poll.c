/*
 * redis_poll.c - the hooks hiredis calls, and the two handles behind them. Loop thread. hiredis
 * frees its context whenever a connection breaks, inside any of its calls: p->ac tells.
 */
#include "io/redis_poll.h"

#include <stdio.h>

static void watch(struct redis_poll *p, int events);

static void on_poll(uv_poll_t *handle, int status, int events)
{
  struct redis_poll *p = handle->data;

  /* An error is read like data: hiredis asks the socket itself. libuv has stopped polling then. */
  if (status < 0) p->events = 0;
  if (p->ac && (status < 0 || events & UV_READABLE)) redisAsyncHandleRead(p->ac);
  if (p->ac && events & UV_WRITABLE) redisAsyncHandleWrite(p->ac);
  if (p->ac && status < 0) watch(p, UV_READABLE);
}

static void watch(struct redis_poll *p, int events)
{
  if (p->events == events) return;
  p->events = events;
  if (events)
    uv_poll_start(&p->poll, events, on_poll);
  else
    uv_poll_stop(&p->poll);
}

static void on_flush(uv_timer_t *timer)
{
  struct redis_poll *p = timer->data;

  p->flushing = true;
  if (p->ac) redisAsyncHandleWrite(p->ac);
  p->flushing = false;
}

static void add_read(void *arg)
{
  struct redis_poll *p = arg;
  watch(p, p->events | UV_READABLE);
}

static void del_read(void *arg)
{
  struct redis_poll *p = arg;
  watch(p, p->events & ~UV_READABLE);
}

/* The socket is polled only to see it connected, or when it did not take everything. */
static void add_write(void *arg)
{
  struct redis_poll *p = arg;

  if (p->flushing || !(p->ac->c.flags & REDIS_CONNECTED))
    watch(p, p->events | UV_WRITABLE);
  else if (!(p->events & UV_WRITABLE) && !uv_is_active((uv_handle_t *)&p->flush))
    uv_timer_start(&p->flush, on_flush, 0, 0);
}

static void del_write(void *arg)
{
  struct redis_poll *p = arg;
  watch(p, p->events & ~UV_WRITABLE);
}

static void on_handle_closed(uv_handle_t *handle)
{
  struct redis_poll *p = handle->data;
  if (--p->open == 0) p->on_closed(p);
}

static void cleanup(void *arg)
{
  struct redis_poll *p = arg;

  if (!p->ac) return;
  snprintf(p->reason, sizeof p->reason, "%s", p->ac->err ? p->ac->errstr : "");
  p->ac = NULL;
  uv_close((uv_handle_t *)&p->poll, on_handle_closed);
  uv_close((uv_handle_t *)&p->flush, on_handle_closed);
}

void redis_poll_attach(struct redis_poll *p, uv_loop_t *loop, redisAsyncContext *ac,
                       void (*on_closed)(struct redis_poll *p))
{
  *p = (struct redis_poll){.ac = ac, .on_closed = on_closed, .open = 2};
  uv_poll_init(loop, &p->poll, ac->c.fd);
  uv_timer_init(loop, &p->flush);
  p->poll.data = p;
  p->flush.data = p;
  ac->ev.addRead = add_read;
  ac->ev.delRead = del_read;
  ac->ev.addWrite = add_write;
  ac->ev.delWrite = del_write;
  ac->ev.cleanup = cleanup;
  ac->ev.data = p;
}
