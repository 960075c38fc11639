import { markCloseOnExec } from './close-on-exec.ts'
import { loadLibrary } from './library.ts'
import type { NativeFunction } from './library.ts'
import type { Pointer } from './libc.ts'
import { NftablesSocket } from './nftables-socket.ts'

/** A change that the firewall refused. Nothing of it took effect. */
export class NftablesError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NftablesError'
  }
}

/** `<nftables/libnftables.h>`: numbers in place of names, no counters, no contents of sets. */
const NFT_CTX_DEFAULT = 0
const NFT_CTX_OUTPUT_STATELESS = 1 << 2
const NFT_CTX_OUTPUT_NUMERIC_ALL = (1 << 7) | (1 << 8) | (1 << 9) | (1 << 10)
const NFT_CTX_OUTPUT_TERSE = 1 << 11
const RULES_ALONE = NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_TERSE
/** The most characters of the library's message in an error. */
const MESSAGE_MAX_CHARS = 400

/**
 * The kernel's nftables through libnftables(3), in this process. Each call is one transaction. The prototypes are those
 * of `<nftables/libnftables.h>`. The library's strings belong to the context and are copied at once.
 */
export class Nftables {
  readonly #context: Pointer
  readonly #socket = new NftablesSocket()
  readonly #run: NativeFunction
  readonly #output: NativeFunction
  readonly #error: NativeFunction
  readonly #setFlags: NativeFunction
  readonly #free: NativeFunction

  /** @throws MissingLibraryError if libnftables is not installed */
  constructor() {
    const library = loadLibrary(
      'libnftables',
      ['libnftables.so.1', 'libnftables.so'],
      'Debian, Ubuntu: apt install libnftables1; Fedora: dnf install nftables; Alpine: apk add nftables',
    )
    this.#context = library.func('void *nft_ctx_new(uint32_t flags)')(NFT_CTX_DEFAULT)
    // libnftables opens its netlink socket without close-on-exec.
    markCloseOnExec()
    library.func('int nft_ctx_buffer_output(void *ctx)')(this.#context)
    library.func('int nft_ctx_buffer_error(void *ctx)')(this.#context)
    this.#run = library.func('int nft_run_cmd_from_buffer(void *ctx, const char *buf)')
    this.#output = library.func('const char *nft_ctx_get_output_buffer(void *ctx)')
    this.#error = library.func('const char *nft_ctx_get_error_buffer(void *ctx)')
    this.#setFlags = library.func('void nft_ctx_output_set_flags(void *ctx, uint32_t flags)')
    this.#free = library.func('void nft_ctx_free(void *ctx)')
  }

  /**
   * Runs commands in the syntax of nft(8), all or none, and returns their output.
   *
   * @param rulesAlone omits counters and the contents of sets
   * @param byName writes `established` for 0x2; numbers are the same for all versions of the library
   * @throws NftablesError if the kernel or the library refuses; nothing has changed then
   */
  run(commands: string, rulesAlone = false, byName = false): string {
    const flags = (rulesAlone ? RULES_ALONE : 0) | (byName ? 0 : NFT_CTX_OUTPUT_NUMERIC_ALL)
    this.#setFlags(this.#context, flags)
    const code: number = this.#run(this.#context, commands)
    const output = String(this.#output(this.#context) ?? '')
    const said = String(this.#error(this.#context) ?? '').trim()
    if (code !== 0) throw new NftablesError(said.slice(0, MESSAGE_MAX_CHARS) || `nftables refused: code ${code}`)
    return output
  }

  /** Commits an encoded transaction. Returns true if it is in force; see {@link NftablesSocket.commit}. */
  commit(transaction: Uint8Array): boolean {
    return this.#socket.commit(transaction)
  }

  close(): void {
    this.#socket.close()
    this.#free(this.#context)
  }
}
