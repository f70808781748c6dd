#ifndef COPENBLAS_H
#define COPENBLAS_H

#endif
