#ifndef ONE_THREAD_H
#define ONE_THREAD_H

/// Keeps the calling thread from starting a team: the caller cuts its work into parts and runs each on a thread of its
/// own, while a second pool would spin beside it for milliseconds after every call. Debian's oneDNN runs on GCC's
/// OpenMP, whose header and link name come with GCC alone; a oneDNN on another runtime has no such function.
void stay_on_this_thread(void);

#endif
