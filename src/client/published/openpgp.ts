import type { Readable } from 'node:stream'
import { PASSPHRASE_FIRST, STATUS_ON_ERROR, gpgInput } from '../../host/gpg.ts'
import { readGnupgSignature } from '../../spa/gnupg-status.ts'
import { ClientError } from '../fault.ts'
import { LIST_MAX_BYTES } from './list.ts'
import { readPassphrase } from './passphrase.ts'

/** Milliseconds gpg may take: somebody may have to type a passphrase. */
export const GPG_LIMIT_MS = 60_000
/** Most bytes of what gpg says that are kept. */
const STATUS_MAX_BYTES = 65_536
const SIGNATURE_HINT = 'ask its publisher; the daemon does not sign its lists'

/** The first line of an armored message (RFC 9580, 6.2). */
const ARMOR_LINE = '-----BEGIN PGP MESSAGE-----'

/** Whether a text is an armored OpenPGP message. */
export function isOpenPgp(text: string): boolean {
  return text.trimStart().startsWith(ARMOR_LINE)
}

/**
 * Decrypts an OpenPGP message by the gpg of this machine, with the keyring of whoever runs this. Throws a ClientError when
 * there is no gpg or no key, it takes too long, or the message is not encrypted.
 */
export async function decryptOpenPgp(
  bytes: Uint8Array,
  passphraseFile: string | undefined,
  limitMs = GPG_LIMIT_MS,
): Promise<Uint8Array> {
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile)
  const { output, status } = await runGpg(bytes, passphrase, limitMs)
  // gpg gives it out beside a signature that counts for nothing: whoever made that is not who it says.
  const signature = readGnupgSignature(status)
  if (signature.kind === 'bad') throw new ClientError(`gpg decrypts the list, but ${signature.why}`, SIGNATURE_HINT)
  // A message that is only signed or compressed is also given out: that one is readable by everybody.
  if (/^\[GNUPG:\] DECRYPTION_OKAY$/m.test(status) && output !== undefined) return output
  throw failureOf(status)
}

/** What a run of gpg gave: no output where it failed, or gave more than a list may have. */
interface GpgRun {
  readonly output: Uint8Array | undefined
  readonly status: string
}

async function runGpg(input: Uint8Array, passphrase: Uint8Array | undefined, limitMs: number): Promise<GpgRun> {
  const argv = ['--batch', '--no-tty', '--quiet', ...STATUS_ON_ERROR]
  if (passphrase !== undefined) argv.push(...PASSPHRASE_FIRST)
  // Loaded only now: other lists need nothing native.
  const { spawn } = await import('../../native/spawn.ts')
  const child = spawn('gpg', [...argv, '--decrypt'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const stop = (): void => {
    child.kill('SIGKILL')
    // What it has started may hold them open.
    for (const stream of child.stdio) stream?.destroy()
  }
  let late = false
  const timer = setTimeout(() => {
    late = true
    stop()
  }, limitMs)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // It may end before it has read everything; its status says why.
  child.stdin.on('error', () => undefined)
  child.stdin.end(passphrase === undefined ? input : gpgInput(passphrase, input))
  const output = keep(child.stdout, LIST_MAX_BYTES, stop)
  const status = keep(child.stderr, STATUS_MAX_BYTES, stop)
  try {
    const code = await ended
    if (late) throw new ClientError(`gpg does not decrypt the list within ${limitMs / 1_000} s`)
    if (output.length > LIST_MAX_BYTES) {
      throw new ClientError('the list is too large', `at most ${LIST_MAX_BYTES} bytes`)
    }
    return {
      output: code === 0 ? Buffer.concat(output.chunks) : undefined,
      status: Buffer.concat(status.chunks).toString(),
    }
  } catch (error) {
    if (error instanceof ClientError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw new ClientError(`cannot run gpg: ${code}`, undefined, error)
    throw new ClientError('the list is encrypted by OpenPGP, and there is no gpg here', 'it comes with GnuPG', error)
  } finally {
    clearTimeout(timer)
  }
}

/** What has come out of a stream so far. */
interface Kept {
  readonly chunks: Uint8Array[]
  length: number
}

/** Keeps what comes out of a stream; calls `stop` when it is more than the bound. */
function keep(stream: Readable, maxBytes: number, stop: () => void): Kept {
  const kept: Kept = { chunks: [], length: 0 }
  stream.on('data', (chunk: Uint8Array) => {
    kept.length += chunk.length
    if (kept.length > maxBytes) stop()
    else kept.chunks.push(chunk)
  })
  stream.on('error', () => undefined)
  return kept
}

/** Why a decryption failed, by gpg's status lines (GnuPG's doc/DETAILS). */
function failureOf(status: string): ClientError {
  const failed = 'gpg cannot decrypt the list: '
  if (/^\[GNUPG:\] (?:(?:BAD|MISSING)_PASSPHRASE|PINENTRY_LAUNCHED|ERROR \S+ 11_)/m.test(status)) {
    return new ClientError(`${failed}no passphrase, or a wrong one`, PASSPHRASE_HINT)
  }
  const considered = /^\[GNUPG:\] KEY_CONSIDERED /m.test(status)
  if (/^\[GNUPG:\] NO_SECKEY /m.test(status) || (/^\[GNUPG:\] ENC_TO /m.test(status) && !considered)) {
    return new ClientError(`${failed}the keyring has no key for it`)
  }
  if (considered && /^\[GNUPG:\] DECRYPTION_FAILED$/m.test(status)) {
    return new ClientError(`${failed}its key cannot be used, for want of a passphrase perhaps`, PASSPHRASE_HINT)
  }
  return new ClientError(`${failed}it is damaged, or not encrypted`)
}

/** In a terminal, what asks for a passphrase has to be told which (gpg-agent(1)). */
const PASSPHRASE_HINT = '--passphrase-file FILE; or to type it: export GPG_TTY=$(tty)'
