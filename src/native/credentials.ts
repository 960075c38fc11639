import { readFileSync, readdirSync } from 'node:fs'
import koffi from './koffi.ts'
import { errorName } from './libc.ts'

/** Numbers of capabilities (`<linux/capability.h>`). */
export const CAP_NET_ADMIN = 12
export const CAP_NET_RAW = 13
/** The capabilities of a daemon with a `User`, a bit each. */
export const DAEMON_CAPABILITIES = (1n << BigInt(CAP_NET_ADMIN)) | (1n << BigInt(CAP_NET_RAW))

/** prctl(2), `<linux/prctl.h>`. */
const PR_SET_KEEPCAPS = 8
const PR_CAPBSET_READ = 23
const PR_CAPBSET_DROP = 24
const PR_SET_NO_NEW_PRIVS = 38
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_RAISE = 2
const PR_CAP_AMBIENT_LOWER = 3
const PR_CAP_AMBIENT_CLEAR_ALL = 4
/** The first number above all capabilities that any kernel can have. */
const CAPABILITIES_MAX = 64
/** _LINUX_CAPABILITY_VERSION_3: two words of 32 bits for each set. */
const CAPABILITY_VERSION = 0x2008_0522
/** setresuid(2): the user that stays. */
const UNCHANGED = 2 ** 32 - 1
/** The threads of this process (proc(5)). */
const TASKS = '/proc/self/task'

/** libc's functions for credentials. Linux alone has all of them. */
function bindFunctions() {
  const libc = koffi.load(null)
  return {
    // prctl(2), capset(2), setresuid(2), setgroups(2): Linux. All return 0 on success.
    prctl: libc.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)'),
    capset: libc.func('int capset(void *header, void *data)'),
    setgroups: libc.func('int setgroups(size_t count, const uint32_t *groups)'),
    setresgid: libc.func('int setresgid(uint32_t real, uint32_t effective, uint32_t saved)'),
    setresuid: libc.func('int setresuid(uint32_t real, uint32_t effective, uint32_t saved)'),
  }
}

let bound: ReturnType<typeof bindFunctions> | undefined
const libc = (): ReturnType<typeof bindFunctions> => (bound ??= bindFunctions())

/** An effective user, its group, and all groups that it is in. */
export interface Effective {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

/**
 * Changes the effective user and the groups of all threads, as root. Node.js has functions for that, but refuses them
 * where libuv might use io_uring, as with Debian 13's (CVE-2024-22017). Synchronous calls never do.
 *
 * @throws Error with the system's error as `code`
 */
export function becomeEffectively({ uid, gid, groups }: Effective): void {
  const { setgroups, setresgid, setresuid } = libc()
  check('change its groups', setgroups(groups.length, Uint32Array.from(groups)))
  check('change its group', setresgid(UNCHANGED, gid, UNCHANGED))
  check('change its user', setresuid(UNCHANGED, uid, UNCHANGED))
}

/** Makes root the effective user again, before its groups. @throws as {@link becomeEffectively} */
export function beRootAgain(before: Omit<Effective, 'uid'>): void {
  check('be root again', libc().setresuid(UNCHANGED, 0, UNCHANGED))
  becomeEffectively({ ...before, uid: 0 })
}

/**
 * Makes this thread a user's: in no group but the user's first one, with {@link DAEMON_CAPABILITIES} alone, for itself and
 * for the programs that it runs, and with no way to more. Other threads may keep root's rights until execve(2) ends them.
 * After an error the process has lost a part of its rights, and should end.
 *
 * @throws Error with the system's error as `code`
 */
export function becomeUser({ uid, gid }: { readonly uid: number; readonly gid: number }): void {
  const { prctl, capset, setgroups, setresgid, setresuid } = libc()
  for (let each = 0; each < CAPABILITIES_MAX; each++) {
    // Root without CAP_SETPCAP keeps its bounding set: without new privileges, nothing is gained from that.
    if (prctl(PR_CAPBSET_READ, each, 0, 0, 0) === 1 && !isDaemons(each)) prctl(PR_CAPBSET_DROP, each, 0, 0, 0)
  }
  check('keep capabilities', prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
  check('leave its groups', setgroups(1, Uint32Array.of(gid)))
  check('change its group', setresgid(gid, gid, gid))
  check('change its user', setresuid(uid, uid, uid))
  const low = Number(DAEMON_CAPABILITIES)
  // Effective, permitted and inheritable: the low words of the three, then the high ones.
  check('set capabilities', capset(Uint32Array.of(CAPABILITY_VERSION, 0), Uint32Array.of(low, low, low, 0, 0, 0)))
  for (const each of [CAP_NET_ADMIN, CAP_NET_RAW]) {
    check('pass capabilities on', prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, each, 0, 0))
  }
  forbidNewPrivileges()
}

/** Keeps all programs that this thread runs from gaining rights by set-user-ID bits or file capabilities. */
export function forbidNewPrivileges(): void {
  check('forbid new privileges', libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
}

/** Keeps programs that this thread runs from getting capabilities, except by {@link withNetAdmin}. */
export function keepCapabilities(): void {
  check('keep capabilities', libc().prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
}

/** True if programs that are run with {@link withNetAdmin} get CAP_NET_ADMIN. */
let passesNetAdmin = false

/** Has {@link withNetAdmin} pass on CAP_NET_ADMIN from now on, which this thread has. */
export function passNetAdmin(): void {
  passesNetAdmin = true
}

/** Starts a program, synchronously, that gets CAP_NET_ADMIN where the daemon has it as a user. Otherwise it is plain. */
export function withNetAdmin<T>(start: () => T): T {
  if (!passesNetAdmin) return start()
  const { prctl } = libc()
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0)
  try {
    return start()
  } finally {
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_NET_ADMIN, 0, 0)
  }
}

/** The credentials of a thread, as proc(5) shows them. Capabilities have a bit each. */
export interface ThreadCredentials {
  readonly thread: number
  /** Real, effective, saved and file system user. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly groups: readonly number[]
  readonly permitted: bigint
  readonly effective: bigint
  readonly inheritable: bigint
}

/** Reads the credentials of all threads of this process. @throws the system's error if they cannot be read */
export function readThreads(): readonly ThreadCredentials[] {
  return readdirSync(TASKS).flatMap((thread) => {
    let text: string
    try {
      text = readFileSync(`${TASKS}/${thread}/status`, 'latin1')
    } catch (error) {
      // The thread has ended.
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
      throw error
    }
    const line = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? ''
    const numbers = (name: string): readonly number[] => line(name).split(/\s+/).filter(Boolean).map(Number)
    const bits = (name: string): bigint => BigInt(`0x${line(name)}`)
    return [
      {
        thread: Number(thread),
        uids: numbers('Uid'),
        gids: numbers('Gid'),
        groups: numbers('Groups'),
        permitted: bits('CapPrm'),
        effective: bits('CapEff'),
        inheritable: bits('CapInh'),
      },
    ]
  })
}

function isDaemons(capability: number): boolean {
  return ((DAEMON_CAPABILITIES >> BigInt(capability)) & 1n) === 1n
}

/** @throws Error with the system's error as `code`, unless the result is 0 */
function check(what: string, result: number): void {
  if (result === 0) return
  const code = errorName()
  throw Object.assign(new Error(`cannot ${what}: ${code}`), { code })
}
