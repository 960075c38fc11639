import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { formatPort } from '../../spa/fwknop/request.ts'
import type { Wanted } from '../../spa/noise/claim.ts'
import { KEY_BYTES, keyPairOf } from '../../spa/noise/curve.ts'
import type { KeyPair } from '../../spa/noise/curve.ts'
import { formatKey, readKeyFile, readKeyText } from '../../spa/noise/key-text.ts'
import { sealClaim } from '../../spa/noise/packet.ts'
import { ClientError } from '../fault.ts'
import { sendDatagram } from './datagram.ts'
import type { HostSettings } from './host-directives.ts'
import { clientFolder, readHostFile } from './host-file.ts'
import type { Plan } from './plan.ts'
import { SPA_PORT_DEFAULT } from './request.ts'
import type { PosternRequest } from './request.ts'
import { expandHome, readSecretFile } from './secret-file.ts'

/** Milliseconds between the packets to a host's two families: the server takes them in the order of their times only. */
const FAMILIES_PAUSE_MS = 100

/** Where `postern keygen user` puts the key and the client looks for it. */
export function keyFileDefault(): string {
  return join(clientFolder(), 'key')
}

/** What a request to our own daemon comes to, with what the client's config says. Throws a ClientError for what cannot be. */
export function planPostern(request: PosternRequest): Plan {
  const { settings, file, found } = readHostFile(request.configFile, request.host, 'packet')
  const server = serverKeyOf(request, settings, file)
  const keyFile = expandHome(request.keyFile ?? settings.keyFile ?? keyFileDefault())
  const user = userKeyOf(keyFile)
  const wanted = wantedBy(request, settings, file)
  const openS = request.seconds ?? settings.openS ?? 0
  const port = request.port ?? settings.port ?? SPA_PORT_DEFAULT
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
      // Later than the one before, whatever the clock does in between.
      last = Math.max(Date.now(), last + 1)
      const claim = { wanted, address, openS }
      const sealed = sealClaim({ user, server, claim, unixMs: last, random: randomBytes(KEY_BYTES) })
      if ('fault' in sealed) throw new ClientError(`this cannot be asked for: ${sealed.fault}`)
      await sendDatagram(sealed.packet, port, destination, 0)
    },
  }
}

function serverKeyOf({ host, serverKey }: PosternRequest, settings: HostSettings, file: string): Uint8Array {
  if (serverKey !== undefined) {
    const read = readKeyText(serverKey, 'postern-server')
    if ('key' in read) return read.key
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
  if ('key' in read) return keyPairOf(read.key)
  throw new ClientError(`${path}: ${read.message}`, read.hint)
}

/** What the command line asks for, or else what the file does. */
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
