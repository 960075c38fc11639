import { readdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { Config, Door } from '../../config/config.ts'
import { readDraft } from '../../config/read.ts'
import { secretPath } from '../../config/secret.ts'
import { ask, findSocket } from '../../control/client.ts'
import type { Status } from '../../control/message.ts'
import { shareWithUser } from '../../file/owner.ts'
import { CLASSIC } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { oneLine } from '../../log/line.ts'
import { FaultList } from '../../text/fault.ts'
import { formatOf } from '../user/users-format.ts'
import type { ValuesRequest } from './arguments.ts'

/** The most milliseconds to wait for a daemon's whole answer: somebody who has pressed a key waits for it. */
export const ANSWER_MAX_MS = 300
/** The largest config that is read, in bytes. Reading it takes no longer than starting this program. */
export const CONFIG_READ_MAX_BYTES = 2 * 1_048_576
/** The most names that are printed. More do not fit on a screen. */
export const NAMES_MAX = 4_096
/** The folder of the kernel's interfaces, those without an address included (sysfs(5)). */
const INTERFACES_FOLDER = '/sys/class/net'
/** The name for all interfaces. */
const ANY_INTERFACE = 'any'

/**
 * Returns the names of a kind, sorted. Doors and users are those of the config, or of the daemon if this user may not
 * read the config. What cannot be read or asked has no names: this never throws, and prints nothing.
 */
export async function namesOf(request: ValuesRequest): Promise<readonly string[]> {
  try {
    const names = await NAMES[request.kind](request)
    return [...new Set(names)].filter(isTypable).toSorted().slice(0, NAMES_MAX)
  } catch {
    // The daemon may run as another user, and answer anything.
    return []
  }
}

/** Finds the names of each kind. */
const NAMES: Readonly<Record<ValuesRequest['kind'], (request: ValuesRequest) => Promise<readonly string[]>>> = {
  door: async (request) => (configOf(request) ?? (await statusOf(request)))?.doors.map(({ name }) => name) ?? [],
  user: async (request) => {
    const config = configOf(request)
    if (config !== undefined) return config.doors.flatMap(usersOf)
    return (await statusOf(request))?.openings.flatMap(({ user }) => user ?? []) ?? []
  },
  interface: async (request) => [
    ANY_INTERFACE,
    ...orNone(() => readdirSync(INTERFACES_FOLDER)),
    ...orNone(() => Object.keys(networkInterfaces())),
    ...(configOf(request)?.options.interfaces ?? []),
  ],
  source: async (request) => (await statusOf(request))?.openings.map(({ source }) => source) ?? [],
  ignored: async (request) => (await statusOf(request))?.ignored.map(({ source }) => source) ?? [],
}

/**
 * Returns true if a name can be typed as a word: no control character, line end or text direction control is in it, and
 * it cannot be taken for an option, whatever a config calls its doors.
 */
function isTypable(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && !name.startsWith('-') && oneLine(name) === name
}

/** Reads the config as far as it can be read. One that others can write is refused, as by the daemon. */
function configOf({ config }: ValuesRequest): Config | undefined {
  try {
    const draft = readDraft(readPrivateText(config, CONFIG_READ_MAX_BYTES, CLASSIC), config, new FaultList())
    shareWithUser(draft.options)
    return draft
  } catch {
    return undefined
  }
}

function usersOf({ secret }: Door): readonly string[] {
  const [format, path] = [formatOf(secret), secretPath(secret)]
  if (format === undefined || path === undefined) return []
  return orNone(() => format.read(readPrivateText(path, format.maxBytes, format.policy)).users.map(nameOf))
}

function nameOf({ name }: { readonly name: string }): string {
  return name
}

async function statusOf({ config, interfaces }: ValuesRequest): Promise<Status | undefined> {
  try {
    const reply = await ask(findSocket(config, interfaces), { command: 'status' }, ANSWER_MAX_MS)
    return 'status' in reply ? reply.status : undefined
  } catch {
    return undefined
  }
}

function orNone(read: () => readonly string[]): readonly string[] {
  try {
    return read()
  } catch {
    return []
  }
}
