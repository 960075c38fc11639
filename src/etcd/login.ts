/** The token of access control. It is fetched once for all requests, and again after etcd has forgotten it. */
export class Login {
  readonly #authenticate: () => Promise<string>
  #token: Promise<string> | undefined

  /** @param authenticate asks etcd for a token */
  constructor(authenticate: () => Promise<string>) {
    this.#authenticate = authenticate
  }

  /** Returns the token. Throws what `authenticate` throws. */
  async token(): Promise<string> {
    const token = (this.#token ??= this.#authenticate())
    try {
      return await token
    } catch (error) {
      if (this.#token === token) this.#token = undefined
      throw error
    }
  }

  /** Forgets a token that etcd refused, unless there is a newer one. */
  async refused(token: string): Promise<void> {
    const present = this.#token
    if (present !== undefined && (await present.catch(() => token)) === token && this.#token === present) {
      this.#token = undefined
    }
  }
}
