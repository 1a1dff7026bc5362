/*
 * process.h - the process_… metrics, as every exporter has them. Reads /proc, whose list of open
 * descriptors may be long: not on the loop.
 */
#ifndef METRICS_PROCESS_H
#define METRICS_PROCESS_H

/* process_measure() sets them. Any thread. */
void process_measure(void);

#endif
