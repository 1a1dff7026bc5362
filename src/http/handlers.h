/*
 * handlers.h - what the route table names; each in the file of its resource.
 */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include "http/routes.h"

void order_create(const struct call *call, const struct http_request *request, const char *param);
void shop_create(const struct call *call, const struct http_request *request, const char *param);
void shop_get_status(const struct call *call, const struct http_request *request,
                     const char *param);
void order_list(const struct call *call, const struct http_request *request, const char *param);
void order_move(const struct call *call, const struct http_request *request, const char *param);
void order_get_shipment(const struct call *call, const struct http_request *request,
                        const char *param);
void shipment_get(const struct call *call, const struct http_request *request, const char *param);
void execute_post(const struct call *call, const struct http_request *request, const char *param);
void batch_post(const struct call *call, const struct http_request *request, const char *param);

/* one order by ?orderId=, many without */
void watch_get(const struct call *call, const struct http_request *request, const char *param);

void order_get(const struct call *call, const struct http_request *request, const char *param);
void order_get_status(const struct call *call, const struct http_request *request,
                      const char *param);
void order_get_events(const struct call *call, const struct http_request *request,
                      const char *param);

void order_cancel(const struct call *call, const struct http_request *request, const char *param);

void queue_stats_get(const struct call *call, const struct http_request *request,
                     const char *param);
void queue_pause_post(const struct call *call, const struct http_request *request,
                      const char *param);
void queue_resume_post(const struct call *call, const struct http_request *request,
                       const char *param);
void queue_purge_delete(const struct call *call, const struct http_request *request,
                        const char *param);

void worker_status_get(const struct call *call, const struct http_request *request,
                       const char *param);
void worker_stats_get(const struct call *call, const struct http_request *request,
                      const char *param);

void dead_letters_get(const struct call *call, const struct http_request *request,
                      const char *param);
void dead_letters_redrive(const struct call *call, const struct http_request *request,
                          const char *param);
void dead_letter_redrive(const struct call *call, const struct http_request *request,
                         const char *param);

void cache_stats_get(const struct call *call, const struct http_request *request,
                     const char *param);
void cache_keys_get(const struct call *call, const struct http_request *request, const char *param);
void cache_clear_delete(const struct call *call, const struct http_request *request,
                        const char *param);

/* all events, as text/event-stream */
void stream_get(const struct call *call, const struct http_request *request, const char *param);

/* in the form that Accept asks for */
void metrics_get(const struct call *call, const struct http_request *request, const char *param);

void stats_get(const struct call *call, const struct http_request *request, const char *param);

void stress_test_post(const struct call *call, const struct http_request *request,
                      const char *param);

void ticket_post(const struct call *call, const struct http_request *request, const char *param);

void oauth_token_post(const struct call *call, const struct http_request *request,
                      const char *param);

void health_get(const struct call *call, const struct http_request *request, const char *param);
void health_livez(const struct call *call, const struct http_request *request, const char *param);
void health_readyz(const struct call *call, const struct http_request *request, const char *param);

#endif
