/* bad_type_name.c - the name of its type would not do in a metric. */
#define TYPE_NAME "my type"
#include "frame.h"
