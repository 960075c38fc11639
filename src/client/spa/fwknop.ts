import { randomBytes, randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { HERE } from '../../file/platform.ts'
import { formatFault } from '../../text/fault.ts'
import { sameBytes } from '../../spa/bytes.ts'
import { DIGEST_DEFAULT } from '../../peer/fwknop/digest.ts'
import { encodeFields, fieldFault, PROTOCOL_VERSION } from '../../peer/fwknop/fields.ts'
import { readFwknoprc, settingsFor } from '../../peer/fwknop/fwknoprc.ts'
import type { RcStanzas } from '../../peer/fwknop/fwknoprc.ts'
import {
  GNUPG_MIN_CHARS,
  PACKET_MAX_BYTES,
  PACKET_MIN_BYTES,
  sealGnupg,
  sealRijndael,
} from '../../peer/fwknop/packet.ts'
import type { Hmac } from '../../peer/fwknop/packet.ts'
import type { RcSettings } from '../../peer/fwknop/rc-directives.ts'
import { formatPort, readNatTarget, writeRequest } from '../../peer/fwknop/request.ts'
import type { Request } from '../../peer/fwknop/request.ts'
import { SALT_BYTES } from '../../peer/fwknop/rijndael.ts'
import type { Destination } from '../destination.ts'
import { ClientError } from '../fault.ts'
import { expandHome } from '../places.ts'
import { sendDatagram } from '../datagram.ts'
import { signAndEncrypt } from './gnupg.ts'
import { keysFromFile } from './key-file.ts'
import type { Plan } from './plan.ts'
import { SPA_PORT_DEFAULT } from './request.ts'
import type { FwknopRequest } from './request.ts'
import { readSecretFile } from './secret-file.ts'

/** The range of ports that the original client selects random ports from. */
const RANDOM_PORT_FIRST = 10_000
const RANDOM_PORT_END = 65_536

/** A placeholder for the server in a NAT target, until the packet's destination address is known. */
const SERVER_ITSELF = '-'

/** Plans a request to fwknopd with the settings of ~/.fwknoprc. @throws ClientError if the request cannot be sent */
export function planFwknop(request: FwknopRequest): Plan {
  const { stanzas, file } = readRcFile(request)
  const stanza = request.stanza ?? (stanzas.has(request.host) ? request.host : undefined)
  if (request.stanza !== undefined && !stanzas.has(request.stanza)) {
    const hint = stanzas.size === 0 ? 'there are none' : `there are: ${[...stanzas.keys()].join(', ')}`
    throw new ClientError(`${file}: no stanza is called ${request.stanza}`, hint)
  }
  const { settings: written, faults } = settingsFor(stanzas, stanza)
  if (faults.length > 0) throw new ClientError(faults.map((fault) => formatFault(file, fault)).join('\n'))
  const settings = withKeyFiles(request, written)
  const host =
    stanza === request.host || request.stanza === request.host ? (settings.server ?? request.host) : request.host
  const port =
    request.port ??
    (settings.randomPort === true ? randomInt(RANDOM_PORT_FIRST, RANDOM_PORT_END) : (settings.port ?? SPA_PORT_DEFAULT))
  const wanted = wantedBy(request, settings)
  const seal = sealer(settings)
  return {
    host,
    // The original fwknopd supports only IPv4. IPv6 is used only on request, for Postern's daemon.
    family: request.family ?? (isIP(host) === 6 ? 6 : 4),
    claim: request.claim ?? settings.allow ?? { kind: 'own' },
    wants: wanted.kind === 'command' ? 'a command' : wanted.ports.map(formatPort).join(','),
    way: `udp ${port}`,
    pauseMs: 0,
    sources: [stanza === undefined ? `no stanza of ${file} but [default]` : `stanza [${stanza}] of ${file}`],
    deliver: async (destination, address) => {
      const packet = await seal(plainText(sentTo(destination, { ...wanted, address }), request, settings))
      await sendDatagram(packet, port, destination, settings.sourcePort ?? 0)
    },
  }
}

function readRcFile({ rcFile }: FwknopRequest): { readonly stanzas: RcStanzas; readonly file: string } {
  if (rcFile === null) return { stanzas: new Map(), file: '(no file)' }
  const file = rcFile ?? join(HERE.home, '.fwknoprc')
  const text = readSecretFile(file)
  if (text === undefined && rcFile !== undefined) throw new ClientError(`${file}: there is no such file`)
  const { stanzas, faults } = readFwknoprc(text ?? '')
  if (faults.length > 0) throw new ClientError(faults.map((fault) => formatFault(file, fault)).join('\n'))
  return { stanzas, file }
}

function withKeyFiles(request: FwknopRequest, settings: RcSettings): RcSettings {
  const { keyFile, hmacKeyFile } = settings
  return {
    ...(hmacKeyFile === undefined ? {} : keysFromFile(expandHome(hmacKeyFile), 'hmacKey', request.host)),
    ...(keyFile === undefined ? {} : keysFromFile(expandHome(keyFile), 'key', request.host)),
    ...settings,
    ...(request.keyFile === undefined ? {} : keysFromFile(request.keyFile, 'key', request.host)),
  }
}

/** Builds the request without the address, which differs for each destination. */
function wantedBy(request: FwknopRequest, settings: RcSettings): Request {
  if (request.command !== undefined) return { kind: 'command', address: undefined, command: request.command }
  const access = request.access ?? settings.access
  if (access === undefined) {
    throw new ClientError('nothing to ask for', 'name ports with -A tcp/22, or write ACCESS into the stanza')
  }
  const timeoutS = request.seconds ?? settings.timeoutS ?? 0
  const natText = request.nat ?? settings.natAccess
  const local = request.natLocal || settings.natLocal === true
  const random = settings.natRandomPort === true ? randomInt(RANDOM_PORT_FIRST, RANDOM_PORT_END) : undefined
  const outside = request.natPort ?? settings.natPort ?? random
  if (natText === undefined && !local)
    return { kind: 'access', address: undefined, ports: access, nat: undefined, timeoutS }
  const [first, ...more] = access
  if (first === undefined || more.length > 0) {
    throw new ClientError('only one port can be forwarded', 'name one with -A')
  }
  const target = natTarget(natText ?? SERVER_ITSELF, first.port)
  const ports = [{ protocol: first.protocol, port: outside ?? first.port }]
  return { kind: 'access', address: undefined, ports, nat: { ...target, local }, timeoutS }
}

/**
 * Completes a request for one destination. Local NAT names the server by its address as the client knows it: fwknopd
 * forwards to the address in the packet. The address `127.0.0.1` would not work there.
 */
function sentTo({ address }: Destination, wanted: Request): Request {
  if (wanted.kind !== 'access' || wanted.nat?.host !== SERVER_ITSELF) return wanted
  return { ...wanted, nat: { ...wanted.nat, host: address.replace(/%.*$/, '') } }
}

/** Parses `HOST`, `HOST:PORT` or `HOST,PORT`. */
function natTarget(text: string, port: number): { readonly host: string; readonly port: number } {
  const target = readNatTarget(/[:,][0-9]+$/.test(text) ? text.replace(/[:,]([0-9]+)$/, ',$1') : `${text},${port}`)
  if (target !== undefined) return target
  throw new ClientError(`not a host to forward to: ${text}`, 'as in 192.168.10.2:22')
}

function plainText(wanted: Request, request: FwknopRequest, settings: RcSettings): string {
  const fields = {
    random: Array.from({ length: 16 }, () => randomInt(10)).join(''),
    user: request.user ?? process.env['SPOOF_USER'] ?? settings.user ?? HERE.username,
    timestamp: Math.floor(Date.now() / 1_000) + (settings.timeOffsetS ?? 0),
    version: PROTOCOL_VERSION,
    serverAuth: undefined,
    ...writeRequest(wanted),
  }
  const fault = fieldFault(fields)
  if (fault !== undefined) throw new ClientError(fault, 'fwknopd would refuse it')
  return encodeFields(fields, settings.digest ?? DIGEST_DEFAULT)
}

/** Returns a function that turns plain texts into packets with the given keys. */
function sealer(settings: RcSettings): (plain: string) => Promise<Uint8Array> {
  const { key, hmacKey, mode = 'cbc', gnupg } = settings
  if (settings.useHmac === true && hmacKey === undefined) {
    throw new ClientError('there is no HMAC key', 'USE_HMAC needs HMAC_KEY or HMAC_KEY_BASE64')
  }
  const hmac: Hmac | undefined =
    hmacKey === undefined ? undefined : { key: hmacKey, digest: settings.hmacDigest ?? DIGEST_DEFAULT }
  const secret = settings.useGnupg === true ? gnupg?.passphrase : key
  if (secret !== undefined && hmacKey !== undefined && sameBytes(secret, hmacKey)) {
    throw new ClientError('the HMAC key is the same as the encryption key', '`fwknop --key-gen` makes two')
  }
  if (settings.useGnupg === true) {
    return async (plain) => {
      const packet = sealGnupg(await signAndEncrypt(plain, gnupg ?? {}), hmac)
      if (packet === undefined) {
        throw new ClientError('fwknop can only use RSA and ElGamal keys', 'the recipient has another kind')
      }
      return fitting(packet, PACKET_MAX_BYTES)
    }
  }
  if (key === undefined) {
    throw new ClientError('there is no key', 'write KEY_BASE64 into ~/.fwknoprc, or name a file with --key-file')
  }
  if (mode === 'legacy' && hmac !== undefined) {
    throw new ClientError('legacy mode has no HMAC', 'leave one of the two out')
  }
  return async (plain) =>
    fitting(sealRijndael(plain, { key, mode }, hmac, randomBytes(SALT_BYTES)), GNUPG_MIN_CHARS - 1)
}

function fitting(packet: Uint8Array, maxBytes: number): Uint8Array {
  if (packet.length < PACKET_MIN_BYTES) {
    throw new ClientError(`packet too short for fwknopd: ${packet.length} bytes`, 'an HMAC makes it long enough')
  }
  if (packet.length <= maxBytes) return packet
  throw new ClientError(
    `packet too long for fwknopd: ${packet.length} bytes`,
    `at most ${maxBytes}: a shorter digest or command, or fewer ports`,
  )
}
