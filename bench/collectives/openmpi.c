/* The rival of "trainmover bench collectives": the same calls in place, timed in the same way, on OpenMPI. One line per point, as CallTimings.cs writes them. */
#define _DEFAULT_SOURCE
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MOST_BATCHES 5
#define LEAST_BATCHES 3
#define BATCH_SECONDS 0.020
#define MOST_CALLS 2000
#define LARGEST 67108864
#define LARGE_PAGE 2097152

static int rank, size;

static void call(int operation, float *buffer, long bytes) {
    if (operation == 0)
        MPI_Allreduce(MPI_IN_PLACE, buffer, (int)(bytes / 4), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    else if (operation == 1)
        MPI_Allgather(MPI_IN_PLACE, 0, MPI_FLOAT, buffer, (int)(bytes / 4 / size), MPI_FLOAT, MPI_COMM_WORLD);
    else
        MPI_Bcast(buffer, (int)(bytes / 4), MPI_FLOAT, 0, MPI_COMM_WORLD);
}

static float value(int of, long index) { return (float)(index % 1000 + of); }

static int verify(int operation, float *buffer, long bytes) {
    long count = bytes / 4, each = count / size;
    for (long index = 0; index < count; index++)
        buffer[index] = operation == 1 && index / each != rank ? -1 : value(rank, index);
    call(operation, buffer, bytes);
    int right = 1;
    for (long index = 0; index < count; index++) {
        float expected = operation == 0 ? (float)(size * (index % 1000) + size * (size - 1) / 2) : value(operation == 1 ? (int)(index / each) : 0, index);
        right &= buffer[index] == expected;
        buffer[index] = 0;
    }
    int all;
    MPI_Allreduce(&right, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    return all;
}

static double batch(int operation, float *buffer, long bytes, int calls) {
    MPI_Barrier(MPI_COMM_WORLD);
    double started = MPI_Wtime();
    for (int index = 0; index < calls; index++)
        call(operation, buffer, bytes);
    MPI_Barrier(MPI_COMM_WORLD);
    return (MPI_Wtime() - started) / calls;
}

int main(int argc, char **argv) {
    static const char *names[] = {"all-reduce", "all-gather", "broadcast"};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    float *buffer = aligned_alloc(LARGE_PAGE, LARGEST);
    if (argc > 1 && !strcmp(argv[1], "large-pages"))
        madvise(buffer, LARGEST, MADV_HUGEPAGE);
    memset(buffer, 0, LARGEST);
    for (int operation = 0; operation < 3; operation++)
        for (long bytes = 4096; bytes <= LARGEST; bytes *= 4) {
            int right = verify(operation, buffer, bytes);
            double once = batch(operation, buffer, bytes, 1);
            int plan[2] = {(int)(BATCH_SECONDS / once), once * MOST_BATCHES > BATCH_SECONDS * 5 ? LEAST_BATCHES : MOST_BATCHES};
            plan[0] = plan[0] < 1 ? 1 : plan[0] > MOST_CALLS ? MOST_CALLS : plan[0];
            MPI_Bcast(plan, 2, MPI_INT, 0, MPI_COMM_WORLD);
            if (rank == 0)
                printf("point %s %ld %d 0", names[operation], bytes, right);
            for (int index = 0; index < plan[1]; index++) {
                double seconds = batch(operation, buffer, bytes, plan[0]);
                if (rank == 0)
                    printf(" %.3f", seconds * 1e6);
            }
            if (rank == 0) {
                printf("\n");
                fflush(stdout);
            }
        }
    free(buffer);
    MPI_Finalize();
    return 0;
}
