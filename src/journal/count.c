/* count.c - see count.h. */
#include "journal/count.h"

#include "metrics/metrics.h"
#include "order/type.h"

void count_transaction(enum pg_outcome outcome, int64_t sent_ns, size_t requests)
{
  static const char *const outcomes[] = {
      [PG_COMMITTED] = "committed", [PG_ROLLED_BACK] = "rolled_back", [PG_IN_DOUBT] = "in_doubt"};
  metric_add(metric_series(METRIC_TRANSACTIONS, outcomes[outcome], NULL, NULL), 1);
  if (outcome != PG_COMMITTED) return;
  metrics_observe_since(METRIC_COMMIT, sent_ns);
  metrics_observe(METRIC_COMMIT_SIZE, (int64_t)requests);
}

void count_end(const char *type, enum ox_phase phase)
{
  if (order_phase_terminal(phase))
    metric_add(metric_series(METRIC_ENDED, type, order_phase_name(phase), NULL), 1);
}
