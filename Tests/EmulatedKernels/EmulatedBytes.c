#include "Emulation.h"
#include "../../Sources/CKernels/Bytes.c"
