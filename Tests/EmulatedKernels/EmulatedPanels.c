#include "Emulation.h"
#include "../../Sources/CKernels/Panels.c"
