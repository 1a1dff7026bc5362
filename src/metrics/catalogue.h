/*
 * catalogue.h - every metric there is: the one place that names them. docs/metrics.md says the same
 * to people, and a test holds it to this.
 *
 * X(id, kind, name, labels, help). Labels have few values: words of our own, types, venues, routes;
 * never an id.
 */
#ifndef METRICS_CATALOGUE_H
#define METRICS_CATALOGUE_H

/* clang-format off */
#define METRICS(X)                                                                                 \
  /* HTTP and sockets */                                                                           \
  X(HTTP_REQUEST, DURATION, "ox_http_request_duration_seconds", "method,route,status",             \
    "From a whole request to its answer.")                                                         \
  X(HTTP_REFUSED, COUNTER, "ox_http_refused_total", "status",                                      \
    "Requests refused before they had a route: malformed, too large, too slow, too many.")         \
  X(HTTP_CONNECTIONS, GAUGE, "ox_http_connections", "",                                            \
    "Open HTTP connections, without those that became WebSockets.")                                \
  X(WEBSOCKETS, GAUGE, "ox_websocket_connections", "", "Open WebSockets.")                         \
  X(SSE, GAUGE, "ox_sse_connections", "", "Open streams of all events.")                           \
  X(SLOW_READERS, COUNTER, "ox_slow_readers_dropped_total", "",                                    \
    "WebSockets closed because what was sent was not read.")                                       \
  X(EVENT_DELAY, DURATION, "ox_event_delay_seconds", "",                                           \
    "From an event in PostgreSQL to this process having heard of it.")                             \
  X(CACHE_ASKED, COUNTER, "ox_cache_requests_total", "result",                                     \
    "Orders and lists asked for, and where the answer is from: hit or miss.")                      \
  X(CACHE_ENTRIES, GAUGE, "ox_cache_entries", "", "Answers in the cache.")                         \
  X(CACHE_BYTES, GAUGE, "ox_cache_bytes", "", "Memory they take.")                                 \
  /* orders */                                                                                     \
  X(ACCEPTED, COUNTER, "ox_orders_accepted_total", "type", "Orders made durable.")                 \
  X(REDRIVEN, COUNTER, "ox_orders_redriven_total", "",                                            \
    "Dead letters placed anew; they do not count as accepted.")                                   \
  X(REPLAYED, COUNTER, "ox_orders_replayed_total", "",                                             \
    "Requests answered as the first time they came.")                                              \
  X(ENDED, COUNTER, "ox_orders_ended_total", "type,outcome",                                       \
    "Orders that ended: succeeded, failed or cancelled.")                                          \
  X(RETRIED, COUNTER, "ox_order_retries_total", "type", "Attempts that failed and are made again.")\
  X(ACCEPT, DURATION, "ox_order_accept_duration_seconds", "",                                      \
    "From a valid order to its being durable.")                                                    \
  X(QUEUE_WAIT, WAIT, "ox_order_queue_wait_seconds", "type",                                       \
    "From accept to the first start.")                                                             \
  X(CLAIM, DURATION, "ox_order_claim_duration_seconds", "",                                        \
    "From asking Redis for orders to PostgreSQL making one this process's.")                       \
  X(RUN, WAIT, "ox_order_run_duration_seconds", "type", "One run of an executor.")                 \
  X(LIFE, WAIT, "ox_order_duration_seconds", "type,outcome",                                       \
    "From accept to the end, of orders that ended in a run here.")                                 \
  /* journal */                                                                                    \
  X(COMMIT, DURATION, "ox_journal_commit_duration_seconds", "",                                    \
    "A transaction of the journal, from sending it to the answer to COMMIT: also what is ahead.")  \
  X(COMMIT_SIZE, SIZE, "ox_journal_commit_requests", "", "Requests in such a transaction.")        \
  X(TRANSACTIONS, COUNTER, "ox_journal_transactions_total", "outcome",                             \
    "What became of them: committed, rolled_back or in_doubt.")                                    \
  /* queue and limiter */                                                                          \
  X(QUEUE_ORDERS, GAUGE, "ox_queue_orders", "state",                                               \
    "Orders in the queue of all processes: waiting, active, delayed.")                             \
  X(QUEUE_OLDEST, GAUGE_SECONDS, "ox_queue_oldest_waiting_seconds", "",                            \
    "How long the oldest of the waiting has waited.")                                              \
  X(QUEUE_PAUSED, GAUGE, "ox_queue_paused", "", "1 while the queue is paused.")                    \
  X(DEAD_LETTERS, GAUGE, "ox_dead_letters", "",                                                    \
    "Orders that failed and were not placed anew; counted up to 10000.")                           \
  X(LIMITER_LIMIT, GAUGE, "ox_limiter_limit", "", "Starts allowed in a window; 0: no limit.")      \
  X(LIMITER_WINDOW, GAUGE_SECONDS, "ox_limiter_window_seconds", "", "The length of a window.")     \
  X(LIMITER_USED, GAUGE, "ox_limiter_used", "", "Starts in the window that ends now.")             \
  X(LIMITER_WAITS, COUNTER, "ox_limiter_waits_total", "",                                          \
    "Times this process wanted an order and had to wait for the limiter.")                         \
  /* workers */                                                                                    \
  X(SLOTS, GAUGE, "ox_worker_slots", "", "Orders this process can run at once.")                   \
  X(SLOTS_BUSY, GAUGE, "ox_worker_slots_busy", "", "Orders it runs.")                              \
  /* what it stands on */                                                                          \
  X(POSTGRES_UP, GAUGE, "ox_postgres_up", "", "1 while PostgreSQL answers.")                       \
  X(REDIS_UP, GAUGE, "ox_redis_up", "", "1 while Redis answers.")                                  \
  X(LOST, COUNTER, "ox_connections_lost_total", "server",                                          \
    "Connections to PostgreSQL and Redis that broke and were made again.")                         \
  X(BREAKER, GAUGE, "ox_venue_breaker_state", "venue,state",                                       \
    "1 for the state a venue's breaker is in: closed, open, half-open.")                           \
  X(VENUE_CALL, DURATION, "ox_venue_call_duration_seconds", "venue,call,result",                   \
    "Calls of a venue: quote, submit, lookup.")                                                    \
  /* the process */                                                                                \
  X(BUILD, GAUGE, "ox_build_info", "version", "Always 1.")                                         \
  X(CPU, COUNTER_SECONDS, "process_cpu_seconds_total", "", "CPU time spent, user and system.")     \
  X(RESIDENT, GAUGE, "process_resident_memory_bytes", "", "Resident memory.")                      \
  X(VIRTUAL, GAUGE, "process_virtual_memory_bytes", "", "Virtual memory.")                         \
  X(OPEN_FDS, GAUGE, "process_open_fds", "", "Open file descriptors.")                             \
  X(MAX_FDS, GAUGE, "process_max_fds", "", "The most it may open.")                                \
  X(STARTED, GAUGE_SECONDS, "process_start_time_seconds", "", "When it started, Unix time.")
/* clang-format on */

#endif
