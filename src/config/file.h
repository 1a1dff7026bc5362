/*
 * file.h - a small text file, whole. Private to this room.
 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

/* file_read() gives the text (free it). NULL: *wrong says why, and errno is ENOENT if there is no
 * such file and something else otherwise. At most 64 KiB, and no NUL in it. */
char *file_read(const char *path, const char **wrong);

#endif
