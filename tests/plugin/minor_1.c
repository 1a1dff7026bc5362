/* minor_1.c - its executor ends where members have come with minor 2: they are not to be looked at.
 */
#define EXECUTOR_SIZE offsetof(struct ox_executor, known_by)
#define TYPE_NAME     "minor_1"
#define KNOWN_BY      ((const char *)1)
#include "frame.h"
