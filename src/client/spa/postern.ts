import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { SPA_MAX_AGE_DEFAULT_MS } from '../../config/config.ts'
import { formatPort } from '../../peer/fwknop/request.ts'
import type { Wanted } from '../../spa/noise/claim.ts'
import { KEY_BYTES, keyPairOf } from '../../spa/noise/curve.ts'
import type { KeyPair } from '../../spa/noise/curve.ts'
import { formatKey, readKeyFile, readKeyText } from '../../spa/noise/key-text.ts'
import { sealClaim } from '../../spa/noise/packet.ts'
import { hasMinute } from '../../spa/noise/tag.ts'
import { ClientError } from '../fault.ts'
import { configFolder, expandHome } from '../places.ts'
import { sendDatagram } from '../datagram.ts'
import type { HostSettings } from './host-directives.ts'
import { readHostFile } from './host-file.ts'
import type { Plan } from './plan.ts'
import { SPA_PORT_DEFAULT } from './request.ts'
import type { PosternRequest } from './request.ts'
import { readSecretFile } from './secret-file.ts'

/**
 * The milliseconds between the packets to a host's two families. The server accepts packets only in the order of their
 * times.
 */
const FAMILIES_PAUSE_MS = 100

/** Returns the default path of the user's key, for `postern keygen user` and the client. */
export function keyFileDefault(): string {
  return join(configFolder(), 'key')
}

/**
 * Plans a request to Postern's daemon with the settings of the client's config.
 *
 * @throws ClientError if the request cannot be sent
 */
export function planPostern(request: PosternRequest): Plan {
  const { settings, file, found } = readHostFile(request.configFile, request.host, 'packet')
  const server = serverKeyOf(request, settings, file)
  const keyFile = expandHome(request.keyFile ?? settings.keyFile ?? keyFileDefault())
  const user = userKeyOf(keyFile)
  const wanted = wantedBy(request, settings, file)
  const openS = request.seconds ?? settings.openS ?? 0
  const port = request.port ?? settings.port ?? SPA_PORT_DEFAULT
  const withMinute = hasMinute(request.maxAgeMs ?? settings.maxAgeMs ?? SPA_MAX_AGE_DEFAULT_MS)
  let last = 0
  return {
    host: settings.host ?? request.host,
    family: request.family ?? settings.family,
    claim: request.claim ?? settings.claim ?? { kind: 'own' },
    wants: wanted.kind === 'door' ? `the door ${wanted.door}` : wanted.ports.map(formatPort).join(','),
    way: `udp ${port}`,
    pauseMs: FAMILIES_PAUSE_MS,
    sources: [
      found ? `section [${request.host}] of ${file}` : `no section [${request.host}] in ${file}`,
      `secret key in ${keyFile}, its public key ${formatKey('postern-user', user.publicKey)}`,
      `the server's key ${formatKey('postern-server', server)}`,
    ],
    deliver: async (destination, address) => {
      // Each packet's time is later than the previous one, even if the clock is set back.
      last = Math.max(Date.now(), last + 1)
      const claim = { wanted, address, openS }
      const random = randomBytes(KEY_BYTES)
      const sealed = sealClaim({ user, server, claim, unixMs: last, random, withMinute })
      if ('fault' in sealed) throw new ClientError(`cannot send this request: ${sealed.fault}`)
      await sendDatagram(sealed.packet, port, destination, 0)
    },
  }
}

function serverKeyOf({ host, serverKey }: PosternRequest, settings: HostSettings, file: string): Uint8Array {
  if (serverKey !== undefined) {
    const read = readKeyText(serverKey, 'postern-server')
    if ('value' in read) return read.value
    throw new ClientError(`--server-key ${read.message}`, read.hint)
  }
  if (settings.serverKey !== undefined) return settings.serverKey
  throw new ClientError(
    `the public key of ${host} is not known`,
    `write into ${file}:\n    [${host}]\n    Server_Key = postern-server:… (as \`postern keygen server\` prints it there)`,
  )
}

function userKeyOf(path: string): KeyPair {
  const text = readSecretFile(path)
  if (text === undefined) throw new ClientError(`${path}: there is no such file`, '`postern keygen user` makes a key')
  const read = readKeyFile(text, 'postern-user-secret')
  if ('value' in read) return keyPairOf(read.value)
  throw new ClientError(`${path}: ${read.message}`, read.hint)
}

/** Returns the request of the command line, or else that of the file. */
function wantedBy({ host, door, access }: PosternRequest, settings: HostSettings, file: string): Wanted {
  if (door !== undefined) return { kind: 'door', door }
  if (access !== undefined) return { kind: 'ports', ports: access }
  if (settings.door !== undefined && settings.access !== undefined) {
    throw new ClientError(`${file}: both a door and ports for ${host}`, 'a packet asks for one thing')
  }
  if (settings.door !== undefined) return { kind: 'door', door: settings.door }
  if (settings.access !== undefined) return { kind: 'ports', ports: settings.access }
  throw new ClientError('nothing to ask for', `name a door with --door, or write \`Door = …\` into ${file}`)
}
