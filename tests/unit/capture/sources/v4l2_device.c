/* A V4L2 capture device that is none: preloaded, it answers for the device that V4L2_DEVICE names.
 *
 * FFmpeg's own V4L2 code runs unchanged on it: formats are asked for and corrected, buffers mapped, queued and filled.
 * It gives YUYV of 320x240 at 20 pictures a second, each as bright as its number. What befalls it is the content of the
 * file that V4L2_FATE names: nothing, "silent" (it gives no more pictures), "hanging" (it answers no more) or
 * "unplugged". It writes what it was asked for to the file that V4L2_ASKED names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 320, HEIGHT = 240, LINE = WIDTH * 2, SIZE = LINE * HEIGHT, ROOM = (SIZE + 4095) / 4096 * 4096, MOST = 8 };
static const long PERIOD_US = 50000;

static int device = -1, memory = -1, queued[MOST], waiting, buffers, pictures, streams;
static unsigned char *pixels;
static struct timespec began;

static int is_device(const char *path) {
    const char *name = getenv("V4L2_DEVICE");
    return name != NULL && strcmp(path, name) == 0;
}

static int fate(const char *word) {
    char found[16] = "";
    FILE *file = fopen(getenv("V4L2_FATE"), "r");
    if (file == NULL) return 0;
    if (fgets(found, sizeof found, file) == NULL) found[0] = 0;
    fclose(file);
    return strcmp(found, word) == 0;
}

static void tell(const char *what, unsigned long one, unsigned long other) {
    FILE *file = fopen(getenv("V4L2_ASKED"), "a");
    fprintf(file, "%s %lu %lu\n", what, one, other);
    fclose(file);
}

static long since_begin_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - began.tv_sec) * 1000000 + (now.tv_nsec - began.tv_nsec) / 1000;
}

/* Microseconds until the next picture; negative while none will come. */
static long due_us(void) {
    if (!streams || !waiting || fate("silent") || fate("hanging")) return -1;
    long left = pictures * PERIOD_US - since_begin_us();
    return left > 0 ? left : 0;
}

static int opened(const char *path, int flags) {
    static int (*real)(const char *, int, ...);
    if (real == NULL) real = dlsym(RTLD_NEXT, "open");
    device = real(path, flags);
    memory = memfd_create("pictures", 0);
    if (ftruncate(memory, (off_t)MOST * ROOM) != 0) abort();
    pixels = mmap(NULL, (size_t)MOST * ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    waiting = buffers = pictures = streams = 0;
    return device;
}

static int answer_open(const char *name, const char *path, int flags, mode_t mode) {
    if (is_device(path)) return opened(path, flags);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
    return real(path, flags, mode);
}

#define OPEN(function)                                                      \
    int function(const char *path, int flags, ...) {                        \
        va_list more;                                                       \
        va_start(more, flags);                                              \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                       \
        return answer_open(#function, path, flags, mode);                   \
    }
OPEN(open)
OPEN(open64)

void *mmap(void *at, size_t length, int protection, int flags, int descriptor, off_t offset) {
    static void *(*real)(void *, size_t, int, int, int, off_t);
    if (real == NULL) real = dlsym(RTLD_NEXT, "mmap");
    return real(at, length, protection, flags, descriptor == device && device >= 0 ? memory : descriptor, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int descriptor, off_t offset) {
    return mmap(at, length, protection, flags, descriptor, offset);
}

int close(int descriptor) {
    static int (*real)(int);
    if (real == NULL) real = dlsym(RTLD_NEXT, "close");
    if (descriptor == device && device >= 0) device = -1;
    return real(descriptor);
}

int select(int most, fd_set *reading, fd_set *writing, fd_set *other, struct timeval *limit) {
    static int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "select");
    if (device < 0 || reading == NULL || !FD_ISSET(device, reading)) return real(most, reading, writing, other, limit);
    long left = due_us(), patience = limit->tv_sec * 1000000L + limit->tv_usec;
    int ready = fate("unplugged") || (left >= 0 && left <= patience);
    usleep(ready ? (left > 0 ? left : 0) : patience);
    if (!ready) FD_ZERO(reading);
    return ready;
}

static int set_format(struct v4l2_format *format) {
    tell("format", format->fmt.pix.width, format->fmt.pix.height);
    format->fmt.pix = (struct v4l2_pix_format){
        .width = WIDTH, .height = HEIGHT, .pixelformat = V4L2_PIX_FMT_YUYV, .field = V4L2_FIELD_NONE,
        .bytesperline = LINE, .sizeimage = SIZE};
    return 0;
}

static int take(struct v4l2_buffer *buffer) {
    while (due_us() != 0) {
        if (fate("unplugged")) return errno = ENODEV, -1;
        usleep(1000);
    }
    if (fate("unplugged")) return errno = ENODEV, -1;
    unsigned index = queued[0];
    memmove(queued, queued + 1, sizeof(int) * --waiting);
    for (int place = 0; place < SIZE; place += 2) {
        pixels[(size_t)index * ROOM + place] = (unsigned char)(16 + pictures % 200);
        pixels[(size_t)index * ROOM + place + 1] = 128;
    }
    pictures++;
    *buffer = (struct v4l2_buffer){.index = index, .type = buffer->type, .memory = buffer->memory, .bytesused = SIZE,
                                   .flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC};
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->timestamp = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

static int answer(unsigned long request, void *argument) {
    struct v4l2_buffer *buffer = argument;
    struct v4l2_streamparm *parameters = argument;
    switch (request) {
        case VIDIOC_QUERYCAP:
            *(struct v4l2_capability *)argument = (struct v4l2_capability){
                .driver = "none", .card = "A camera of the tests",
                .capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING};
            return 0;
        case VIDIOC_G_INPUT: return *(int *)argument = 0;
        case VIDIOC_ENUMINPUT: return ((struct v4l2_input *)argument)->std = 0;
        case VIDIOC_S_FMT:
        case VIDIOC_TRY_FMT: return set_format(argument);
        case VIDIOC_S_PARM: /* it is told, and the device keeps its own rate */
        case VIDIOC_G_PARM:
            if (request == VIDIOC_S_PARM) tell("rate", parameters->parm.capture.timeperframe.denominator, 1);
            parameters->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
            parameters->parm.capture.timeperframe = (struct v4l2_fract){1, 20};
            return 0;
        case VIDIOC_REQBUFS:
            if (((struct v4l2_requestbuffers *)argument)->count > MOST) ((struct v4l2_requestbuffers *)argument)->count = MOST;
            buffers = ((struct v4l2_requestbuffers *)argument)->count;
            return 0;
        case VIDIOC_QUERYBUF:
            buffer->length = SIZE;
            buffer->m.offset = buffer->index * ROOM;
            return 0;
        case VIDIOC_QBUF:
            if (waiting < MOST) queued[waiting++] = (int)buffer->index;
            return 0;
        case VIDIOC_DQBUF: return take(buffer);
        case VIDIOC_STREAMON:
            clock_gettime(CLOCK_MONOTONIC, &began);
            return streams = 1, 0;
        case VIDIOC_STREAMOFF: return streams = 0;
        default: return errno = ENOTTY, -1;
    }
}

int ioctl(int descriptor, unsigned long request, ...) {
    static int (*real)(int, unsigned long, ...);
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    if (real == NULL) real = dlsym(RTLD_NEXT, "ioctl");
    if (descriptor != device || device < 0) return real(descriptor, request, argument);
    return answer(request & 0xffffffffUL, argument);
}
