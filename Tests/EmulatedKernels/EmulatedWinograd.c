#include "Emulation.h"
#include "../../Sources/CKernels/Winograd.c"
