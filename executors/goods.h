/* goods.h - the types of order that swap nothing. */
#ifndef GOODS_H
#define GOODS_H

#include <ox/executor.h>

extern const struct ox_executor record_executor;

#endif
