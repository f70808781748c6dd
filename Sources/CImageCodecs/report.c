#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cic_report_begin(cic_report *report) {
  report->status = CIC_OK;
  report->message[0] = 0;
  report->warnings[0] = 0;
}

void cic_report_fail(cic_report *report, enum cic_status status, const char *message) {
  report->status = status;
  snprintf(report->message, sizeof report->message, "%s", message);
}

void cic_report_warn(cic_report *report, const char *message) {
  const size_t used = strlen(report->warnings);
  const char *line = strrchr(report->warnings, '\n');
  if (strcmp(line ? line + 1 : report->warnings, message) == 0) return;
  if (used + strlen(message) + 2 > sizeof report->warnings) return;
  snprintf(report->warnings + used, sizeof report->warnings - used, "%s%s", used ? "\n" : "", message);
}

void cic_free(void *pointer) { free(pointer); }
