// Certificates for mutual TLS, made by openssl: an authority, and leaves that it signs.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate and its key: the files, and what is in them. */
export interface Leaf {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

/** A certificate authority in a folder. */
export class Authority {
  readonly caFile: string
  readonly #folder: string
  readonly #keyFile: string
  #count = 0

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#folder = folder
    this.caFile = join(folder, 'ca.crt')
    this.#keyFile = join(folder, 'ca.key')
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', this.#keyFile)
    const usage = 'keyUsage=critical,keyCertSign,cRLSign'
    const name = ['-subj', '/O=lab', '-days', '30', '-addext', usage]
    openssl('req', '-x509', '-new', '-key', this.#keyFile, '-out', this.caFile, ...name)
  }

  get ca(): string {
    return readFileSync(this.caFile, 'utf8')
  }

  /**
   * Makes a certificate.
   *
   * @param names its subjectAltName, such as `IP:192.0.2.1,DNS:gate`
   * @param usages its extendedKeyUsage
   * @param subject its name; the default has no CN, since etcd's gateway refuses clients that have one
   */
  leaf(names: string, usages: string, subject = '/O=lab', days = 30): Leaf {
    const base = join(this.#folder, `leaf${++this.#count}`)
    const [keyFile, request, certFile, extensions] = ['key', 'csr', 'crt', 'ext'].map((end) => `${base}.${end}`)
    writeFileSync(
      extensions!,
      `basicConstraints=CA:FALSE\nsubjectAltName=${names}\nextendedKeyUsage=${usages}\nkeyUsage=digitalSignature\n`,
    )
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    openssl('req', '-new', ...curve, '-keyout', keyFile!, '-subj', subject, '-out', request!)
    const signer = ['-CA', this.caFile, '-CAkey', this.#keyFile, '-CAcreateserial', '-days', String(days)]
    openssl('x509', '-req', '-in', request!, ...signer, '-out', certFile!, '-extfile', extensions!)
    return {
      certFile: certFile!,
      keyFile: keyFile!,
      cert: readFileSync(certFile!, 'utf8'),
      key: readFileSync(keyFile!, 'utf8'),
    }
  }
}

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}
