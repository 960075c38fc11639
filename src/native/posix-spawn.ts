import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import koffi from './koffi.ts'
import type { LibraryHandle } from 'koffi'
import { markCloseOnExec } from './close-on-exec.ts'
import { withNetAdmin } from './credentials.ts'
import { closeDescriptor, errorName } from './libc.ts'
import type { NativeFunction } from './library.ts'
import { endOf, hasProcessDescriptors } from './process-end.ts'
import type { Program, StartProgram } from './program.ts'

/**
 * Bytes for each of libc's opaque structures. The largest is posix_spawnattr_t: 336 bytes on 64 bits, in glibc and in
 * musl. libc's own functions fill them.
 */
const STRUCTURE_BYTES = 1_024
/** `<spawn.h>`: the numbers are the same in glibc and musl. A glibc before 2.26 refuses the last one. */
const POSIX_SPAWN_SETSIGDEF = 0x04
const POSIX_SPAWN_SETSIGMASK = 0x08
const POSIX_SPAWN_SETSID = 0x80
const O_RDONLY = 0
const O_CLOEXEC = 0o2000000
const MFD_CLOEXEC = 1
const STDIN = 0
const STDOUT = 1
const STDERR = 2

/** libc's functions for programs. On Linux, every one of them returns 0 on success. */
function bindFunctions() {
  const libc = koffi.load(null)
  // posix_spawn(3), posix_spawn_file_actions_*, posix_spawnattr_*: POSIX.1-2008. An error is returned, not in errno.
  return {
    spawn: libc.func(
      'int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **words, const char **environment)',
    ),
    initActions: libc.func('int posix_spawn_file_actions_init(void *actions)'),
    destroyActions: libc.func('int posix_spawn_file_actions_destroy(void *actions)'),
    addOpen: libc.func(
      'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, uint32_t mode)',
    ),
    addDup: libc.func('int posix_spawn_file_actions_adddup2(void *actions, int fd, int to)'),
    addCloseFrom: bindCloseFrom(libc),
    initAttributes: libc.func('int posix_spawnattr_init(void *attributes)'),
    setFlags: libc.func('int posix_spawnattr_setflags(void *attributes, short flags)'),
    setDefault: libc.func('int posix_spawnattr_setsigdefault(void *attributes, void *signals)'),
    setMask: libc.func('int posix_spawnattr_setsigmask(void *attributes, void *signals)'),
    emptySet: libc.func('int sigemptyset(void *signals)'),
    // memfd_create(2): Linux 3.17.
    memory: libc.func('int memfd_create(const char *name, unsigned int flags)'),
    // pipe2(2): Linux.
    pipe: libc.func('int pipe2(_Out_ int *fds, int flags)'),
  }
}

/** glibc has this since 2.34. musl does not: there, the marks of all descriptors do the same. */
function bindCloseFrom(libc: LibraryHandle): NativeFunction | undefined {
  try {
    return libc.func('int posix_spawn_file_actions_addclosefrom_np(void *actions, int fd)')
  } catch {
    return undefined
  }
}

/**
 * Runs programs by posix_spawn(3). The kernel copies no page table for it, as it does for fork(2): in a process as large
 * as this one that takes milliseconds, in which the event loop would stand still.
 */
export class PosixSpawn {
  readonly #libc = bindFunctions()
  readonly #end: typeof endOf
  /** The attributes are the same for every program. They are read only. */
  readonly #attributes = Buffer.alloc(STRUCTURE_BYTES)

  /** Returns `undefined` if the system lacks posix_spawn with sessions, or descriptors of processes (before Linux 5.4). */
  static find(end = endOf): PosixSpawn | undefined {
    if (process.platform !== 'linux') return undefined
    try {
      return hasProcessDescriptors() ? new PosixSpawn(end) : undefined
    } catch {
      return undefined
    }
  }

  private constructor(end: typeof endOf) {
    this.#end = end
    const libc = this.#libc
    const signals = Buffer.alloc(STRUCTURE_BYTES)
    const attributes = this.#attributes
    const flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID
    check('posix_spawnattr_init', libc.initAttributes(attributes))
    check('posix_spawnattr_setflags', libc.setFlags(attributes, flags))
    // sigfillset(3) leaves out two signals of glibc's threads, which the program would then ignore.
    signals.fill(0xff)
    check('posix_spawnattr_setsigdefault', libc.setDefault(attributes, signals))
    libc.emptySet(signals)
    check('posix_spawnattr_setsigmask', libc.setMask(attributes, signals))
  }

  readonly start: StartProgram = async (words, environment, output, input) => {
    const variables = Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`],
    )
    // A C string would end there, and another command would run.
    if ([...words, ...variables].some((text) => text.includes('\0'))) throw new Error(`spawn ${words[0]}: a zero byte`)
    const [from, to] = this.#pipe(words)
    let read: number | undefined
    try {
      if (input !== undefined) read = this.#file(words, input)
      const pid = this.#spawn(words, variables, to, read)
      // From here on nothing rejects, or the caller would run it again.
      return { pid, ended: this.#end(pid), ...readPipe(from, output) }
    } catch (error) {
      closeDescriptor(from)
      throw error
    } finally {
      closeDescriptor(to)
      if (read !== undefined) closeDescriptor(read)
    }
  }

  /**
   * Returns a file in memory. Unlike a pipe, it takes a text of any length at once, and a program may leave it unread.
   *
   * @throws the system's error
   */
  #file([file]: readonly string[], text: string): number {
    const fd: number = this.#libc.memory('input', MFD_CLOEXEC)
    if (fd < 0) check(`spawn ${file}`, koffi.errno())
    const bytes = Buffer.from(text)
    try {
      // A place is given, so that the program reads from the beginning.
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at)
    } catch (error) {
      closeDescriptor(fd)
      throw error
    }
    return fd
  }

  /** @throws the system's error */
  #pipe([file]: readonly string[]): readonly [number, number] {
    const fds: [number, number] = [-1, -1]
    if (this.#libc.pipe(fds, O_CLOEXEC) !== 0) check(`spawn ${file}`, koffi.errno())
    return fds
  }

  /** @throws the system's error */
  #spawn(words: readonly string[], variables: readonly string[], to: number, read: number | undefined): number {
    const libc = this.#libc
    const [file] = words
    const actions = Buffer.alloc(STRUCTURE_BYTES)
    check('posix_spawn_file_actions_init', libc.initActions(actions))
    try {
      if (read === undefined)
        check('posix_spawn_file_actions_addopen', libc.addOpen(actions, STDIN, '/dev/null', O_RDONLY, 0))
      else check('posix_spawn_file_actions_adddup2', libc.addDup(actions, read, STDIN))
      for (const fd of [STDOUT, STDERR]) check('posix_spawn_file_actions_adddup2', libc.addDup(actions, to, fd))
      check('posix_spawn_file_actions_addclosefrom_np', libc.addCloseFrom?.(actions, STDERR + 1) ?? 0)
      markCloseOnExec()
      const pid: [number] = [0]
      const run = (): number => libc.spawn(pid, file, actions, this.#attributes, [...words, null], [...variables, null])
      check(`spawn ${file}`, withNetAdmin(run))
      return pid[0]
    } finally {
      libc.destroyActions(actions)
    }
  }
}

/** Reads a pipe until all its writers have closed it. Without memory for that, nothing is read. Never throws. */
function readPipe(fd: number, output: (bytes: Uint8Array) => void): Pick<Program, 'read' | 'release'> {
  let pipe: Socket
  try {
    pipe = new Socket({ fd, readable: true, writable: false })
  } catch {
    closeDescriptor(fd)
    return { read: Promise.resolve(), release: () => undefined }
  }
  const read = new Promise<void>((resolve) => {
    pipe.once('close', () => resolve())
  })
  pipe.on('error', () => undefined)
  pipe.on('data', output)
  return { read, release: () => pipe.destroy() }
}

/** @throws an error like that of Node's `spawn`, unless the number is 0 */
function check(what: string, number: number): void {
  if (number === 0) return
  const code = errorName(number)
  throw Object.assign(new Error(`${what} ${code}`), { code })
}
