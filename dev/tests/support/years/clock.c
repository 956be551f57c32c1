/* Has a process believe that it is another time: that of the machine plus what a file says.
 *
 * The file holds the difference in nanoseconds, and is mapped into memory: it can be changed at any
 * moment for all processes at once. Only the time of day is another one. What measures a duration,
 * or waits for one, goes by the monotonic clock, which is left alone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BILLION 1000000000LL

static const volatile int64_t *difference;

__attribute__((constructor)) static void map_difference(void)
{
    const char *path = getenv("SIMULATED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *memory = MAP_FAILED;

    if (file >= 0) {
        memory = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
        close(file);
    }
    if (memory == MAP_FAILED)
        abort();  /* Rather than go on at the time of the machine. */
    difference = memory;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result = syscall(SYS_clock_gettime, id, now);

    if (!result && difference && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        int64_t time = now->tv_sec * BILLION + now->tv_nsec + *difference;
        now->tv_sec = time / BILLION;
        now->tv_nsec = time % BILLION;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    int result = clock_gettime(CLOCK_REALTIME, &precise);

    (void) zone;
    if (!result) {
        now->tv_sec = precise.tv_sec;
        now->tv_usec = precise.tv_nsec / 1000;
    }
    return result;
}

time_t time(time_t *now)
{
    struct timespec precise;

    if (clock_gettime(CLOCK_REALTIME, &precise))
        return -1;
    if (now)
        *now = precise.tv_sec;
    return precise.tv_sec;
}
