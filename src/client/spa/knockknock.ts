import { randomInt } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { HERE } from '../../file/platform.ts'
import type { Platform } from '../../file/platform.ts'
import { parseAddress } from '../../packet/address.ts'
import { formatCounter, PROFILE_FILES, readCounter, readProfileConfig } from '../../peer/knockknock/profile.ts'
import { readProfileKey } from '../../peer/knockknock/profile.ts'
import type { Reader } from '../../text/read.ts'
import { COUNTER_MAX, encodeSyn } from '../../peer/knockknock/syn.ts'
import type { KnockknockKeys, SynFields } from '../../peer/knockknock/syn.ts'
import { ClientError } from '../fault.ts'
import { loadNative, systemName } from '../native-part.ts'
import { expandHome } from '../places.ts'
import { isRefusal } from '../refusal.ts'
import { localAddressFor } from './own-address.ts'
import type { Plan } from './plan.ts'
import type { KnockknockRequest } from './request.ts'
import { readSecretFile } from './secret-file.ts'
import { synPacket } from './syn-packet.ts'

/** The range of this machine's usual source ports. */
const SOURCE_PORT_FIRST = 32_768
const SOURCE_PORT_END = 61_000

/**
 * Plans a request to a knockknock daemon with the settings of its profile.
 *
 * @throws ClientError if the request cannot be sent
 */
export function planKnockknock(request: KnockknockRequest): Plan {
  if (request.family === 6) {
    throw new ClientError('knockknock has no IPv6', 'it uses a field that only IPv4 has')
  }
  const folder = expandHome(request.profile ?? join(HERE.home, '.knockknock', request.host))
  const keys: KnockknockKeys = {
    cipherKey: readProfile(join(folder, PROFILE_FILES.cipherKey), readProfileKey),
    macKey: readProfile(join(folder, PROFILE_FILES.macKey), readProfileKey),
  }
  const knockPort = readProfile(join(folder, PROFILE_FILES.config), readProfileConfig)
  return {
    host: request.host,
    family: 4,
    claim: { kind: 'source' },
    wants: `tcp/${request.open}`,
    way: `tcp ${knockPort}`,
    pauseMs: 0,
    sources: [`profile ${folder}`],
    deliver: async (destination) => {
      const { RawIpv4 } = await rawSocket()
      // The socket is opened before a counter is used, because the server tolerates only a few missing counters.
      const socket = opened(() => new RawIpv4())
      try {
        const source = await localAddressFor(destination)
        const to = parseAddress(destination.address)!
        const fields = nextFields(request.open, keys, join(folder, PROFILE_FILES.counter))
        const ports = { sourcePort: randomInt(SOURCE_PORT_FIRST, SOURCE_PORT_END), port: knockPort }
        socket.send(synPacket(fields, source, to, ports), to)
      } finally {
        socket.close()
      }
    },
  }
}

/** Loads the socket. @throws ClientError if this is not Linux, or koffi is missing */
export async function rawSocket({ os }: Platform = HERE): Promise<typeof import('../../native/raw-socket.ts')> {
  if (os !== 'linux') throw new ClientError(`cannot send raw packets on ${systemName(os)}`, ELSEWHERE)
  return await loadNative(async () => import('../../native/raw-socket.ts'), 'send raw packets', ELSEWHERE)
}

const ELSEWHERE = 'knock from a Linux with all of Postern, or have the server take another secret'

/** Opens a socket. @throws ClientError if the system refuses */
function opened<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (!isRefusal(error)) throw error
    throw new ClientError(`cannot send raw packets: ${error.code}`, 'run this as root, or with CAP_NET_RAW', error)
  }
}

function readProfile<T>(path: string, read: Reader<T>): T {
  const text = readSecretFile(path)
  if (text === undefined) {
    throw new ClientError(`${path}: there is no such file`, 'knockknock-genprofile makes a profile')
  }
  const result = read(text)
  if ('value' in result) return result.value
  throw new ClientError(`${path}: ${result.message}`, result.hint)
}

/** Returns the SYN's fields for the next counter. The counter is marked as used on disk before the SYN is sent. */
function nextFields(port: number, keys: KnockknockKeys, path: string): SynFields {
  let counter = readProfile(path, readCounter)
  let fields = encodeSyn(port, keys, counter)
  // The kernel replaces an identification of 0 (raw(7)).
  while (fields.identification === 0 && counter < COUNTER_MAX) fields = encodeSyn(port, keys, ++counter)
  if (counter >= COUNTER_MAX) throw new ClientError(`${path}: all counters are used`, 'make a new profile')
  replaceFile(path, formatCounter(counter + 1))
  return fields
}

function replaceFile(path: string, text: string): void {
  const beside = `${path}.new`
  try {
    // This file may be left over from a client that was killed.
    rmSync(beside, { force: true })
    const fd = openSync(beside, 'wx', 0o600)
    try {
      writeSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(beside, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ClientError(`${path}: cannot be written: ${code ?? String(error)}`, 'nothing was sent', error)
  }
}
