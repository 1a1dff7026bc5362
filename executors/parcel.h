/* parcel.h - what a delivery may ask for. Pure. */
#ifndef PARCEL_H
#define PARCEL_H

#include <ox/order.h>

/* parcel_validate() adds all that is wrong with a delivery's fields. */
void parcel_validate(const struct ox_order *order, struct ox_errors *errors);

#endif
