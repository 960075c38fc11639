import { X509Certificate, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../cli/fault.ts'
import { cannot } from '../../file/file-error.ts'
import { tryLock } from '../../native/libc.ts'
import { openssl } from './openssl.ts'

/** Days for which an authority, a node's certificate and a host's certificate are valid. */
export const AUTHORITY_DAYS = 3_650
export const LEAF_DAYS = 1_825
/** Milliseconds by which a clock may be behind that looks at the certificate of an invitation. */
const BACKDATE_MS = 300_000
const OWNER_ONLY = 0o600
/** Bytes of the random part of a scratch file's name. */
const SCRATCH_BYTES = 8
const OPENSSL_CONF = 'openssl.cnf'
const INDEX = 'index.txt'
/** The file whose lock (flock(2)) a command has while openssl(1) changes the list. The lock ends with the process. */
const LOCK = 'lock'
/** Milliseconds for which another command is waited for, and between two attempts. */
const LOCK_MAX_MS = 10_000
const LOCK_LOOK_MS = 50

/** A certificate and its key in PEM. */
export interface Issued {
  readonly cert: string
  readonly key: string
}

/** `node`: for a server that is also a client of itself. `client`: for a client. */
export type Profile = 'node' | 'client'

/**
 * An authority that signs certificates for one purpose, in a folder of its own: `clients` for those who talk to etcd,
 * `peers` for the nodes among themselves. No certificate that it signs has a common name: with access control, etcd's
 * gateway refuses those. openssl(1) makes the certificates.
 */
export class Authority {
  readonly #folder: string
  readonly #lockMs: number
  /** The paths of files that openssl(1) reads and writes. */
  readonly #scratches: string[] = []
  /** A request whose public key counts for nothing: one is enough for all. */
  #anyRequest: string | undefined

  /** @param lockMs milliseconds for which another command is waited for */
  constructor(folder: string, lockMs = LOCK_MAX_MS) {
    this.#folder = folder
    this.#lockMs = lockMs
  }

  get certFile(): string {
    return join(this.#folder, 'ca.crt')
  }

  /** The revocation list. */
  get crlFile(): string {
    return join(this.#folder, 'crl.pem')
  }

  /** True if the key is here that signs certificates. */
  get exists(): boolean {
    return existsSync(join(this.#folder, 'ca.key'))
  }

  /** PEM: the authority's certificate. */
  get cert(): string {
    return readFileSync(this.certFile, 'utf8')
  }

  /** Makes what is missing: the key, the certificate, an empty revocation list. @throws Failure */
  make(subject: string): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    this.#put(OPENSSL_CONF, SETTINGS)
    this.#put(INDEX, '')
    this.#put('ca.key', newKey())
    if (!existsSync(this.certFile)) {
      const request = ['req', '-x509', '-new', '-key', 'ca.key', '-config', OPENSSL_CONF, '-extensions', 'authority']
      this.#put('ca.crt', openssl(this.#folder, [...request, '-subj', `/O=${subject}`, '-days', `${AUTHORITY_DAYS}`]))
    }
    if (!existsSync(this.crlFile)) this.#list()
  }

  /** Signs a certificate for a public key in PEM, and returns it. @throws Failure */
  sign(profile: Profile, san: string, publicKey: string): string {
    // The request is of a throw-away key: openssl takes the public key from the file, and no proof but the token's.
    const request = (this.#anyRequest ??= this.#request('/dev/null'))
    const checked = createPublicKey(publicKey).export(PUBLIC_PEM).toString()
    const [csr, key] = [this.#scratch('csr', request), this.#scratch('pub', checked)]
    const serial = `0x${randomSerial()}`
    const ca = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', serial]
    const form = ['-days', `${LEAF_DAYS}`, '-extfile', OPENSSL_CONF, '-extensions', profile]
    try {
      return openssl(this.#folder, ['x509', '-req', '-in', csr, '-force_pubkey', key, ...ca, ...form], { san })
    } finally {
      this.#tidy()
    }
  }

  /** Signs a client certificate for a new key that ends at a time, in milliseconds since 1970. @throws Failure */
  issueUntil(san: string, from: number, until: number): Issued {
    return this.#alone(() => this.#issueUntil(san, from, until))
  }

  #issueUntil(san: string, from: number, until: number): Issued {
    const keyFile = this.#scratchName('key')
    const request = this.#request(keyFile)
    const key = readFileSync(join(this.#folder, keyFile), 'utf8')
    const times = ['-startdate', timeText(from - BACKDATE_MS), '-enddate', timeText(until)]
    const ca = [
      'ca',
      '-batch',
      '-notext',
      '-config',
      OPENSSL_CONF,
      '-extensions',
      'client',
      '-cert',
      'ca.crt',
      '-keyfile',
      'ca.key',
    ]
    const csr = this.#scratch('csr', request)
    try {
      return { cert: openssl(this.#folder, [...ca, ...times, '-in', csr], { san }), key }
    } finally {
      this.#tidy()
    }
  }

  /** Revokes a certificate in PEM, and writes the revocation list anew. @throws Failure */
  revoke(cert: string): void {
    this.#alone(() => this.#revoke(cert))
  }

  #revoke(cert: string): void {
    const file = this.#scratch('crt', cert)
    const ca = ['ca', '-config', OPENSSL_CONF, '-cert', 'ca.crt', '-keyfile', 'ca.key']
    try {
      openssl(this.#folder, [...ca, '-revoke', file])
    } catch (error) {
      if (!readFileSync(join(this.#folder, INDEX), 'utf8').includes(serialOf(cert))) throw error
    } finally {
      this.#tidy()
    }
    this.#list()
  }

  /** Makes a request for a certificate with a new key on the curve P-256. */
  #request(keyFile: string): string {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile]
    return openssl(this.#folder, ['req', '-new', ...key, '-config', OPENSSL_CONF, '-subj', '/'])
  }

  /**
   * Does something that changes openssl's list of certificates, which knows no lock: of two commands at once, one would lose
   * what it has revoked. Waits for the other for a while.
   *
   * @throws Failure if the other one goes on
   */
  #alone<T>(work: () => T): T {
    const fd = openSync(join(this.#folder, LOCK), 'a', OWNER_ONLY)
    try {
      for (let waited = 0; !tryLock(fd); waited += LOCK_LOOK_MS) {
        if (waited >= this.#lockMs) {
          throw new Failure(
            `another command is using the authority in ${this.#folder}`,
            'run this again when it has ended',
          )
        }
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_LOOK_MS)
      }
      return work()
    } finally {
      closeSync(fd)
    }
  }

  #list(): void {
    openssl(this.#folder, [
      'ca',
      '-config',
      OPENSSL_CONF,
      '-cert',
      'ca.crt',
      '-keyfile',
      'ca.key',
      '-gencrl',
      '-out',
      'crl.pem',
    ])
  }

  #put(name: string, text: string): void {
    const path = join(this.#folder, name)
    if (!existsSync(path)) createWhole(path, text)
  }

  /** Writes a file for openssl(1), and returns its name. */
  #scratch(name: string, text: string): string {
    const path = this.#scratchName(name)
    createWhole(join(this.#folder, path), text)
    return path
  }

  /** Another invitation may be under way: with one name for both, a host could get the certificate for another's key. */
  #scratchName(name: string): string {
    const path = `working.${randomBytes(SCRATCH_BYTES).toString('hex')}.${name}`
    this.#scratches.push(join(this.#folder, path))
    return path
  }

  #tidy(): void {
    for (const path of this.#scratches.splice(0)) rmSync(path, { force: true })
  }
}

/**
 * Creates a file of its owner alone, whole or not at all: the next attempt would take a part of it for all.
 *
 * @throws Failure
 */
export function createWhole(path: string, text: string): void {
  let isOwn = false
  try {
    const fd = openSync(path, 'wx', OWNER_ONLY)
    isOwn = true
    try {
      writeFileSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (isOwn) rmSync(path, { force: true })
    throw new Failure(cannot(`create ${path}`, error).message, undefined, error)
  }
}

/** Returns the serial number of a certificate in PEM, in hexadecimal digits as openssl(1) writes them. */
export function serialOf(cert: string): string {
  return new X509Certificate(cert).serialNumber
}

/** Returns 126 random bits as a positive number (RFC 5280, 4.1.2.2). */
function randomSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}

/** The form of a public key in PEM. */
export const PUBLIC_PEM = { format: 'pem', type: 'spki' } as const

/** Makes a private key in PEM on the curve P-256, which every TLS library knows. */
export function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

/** Formats a time as in certificates (RFC 5280, 4.1.2.5.2). */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:T]|\.[0-9]+/g, '')
}

/** The settings of openssl(1): config(5ssl), x509v3_config(5ssl). */
const SETTINGS = `[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[node]
# The gateway of etcd is a client of its own node.
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = \${ENV::POSTERN_SAN}
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = \${ENV::POSTERN_SAN}
[ca]
default_ca = fleet
[fleet]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = anything
unique_subject = no
rand_serial = yes
default_crl_days = ${AUTHORITY_DAYS}
[anything]
`
