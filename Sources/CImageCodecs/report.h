#ifndef CIC_REPORT_H
#define CIC_REPORT_H

#include "CImageCodecs.h"

// Starts a report that says all is well.
void cic_report_begin(cic_report *report);

void cic_report_fail(cic_report *report, enum cic_status status, const char *message);

// Adds a warning unless it is the one before; broken data repeat theirs for every row.
void cic_report_warn(cic_report *report, const char *message);

#endif
