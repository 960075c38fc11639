/** Actions that take turns: those of one key run one after the other. */
export class Turns {
  /** The last action of each key, without its result. */
  readonly #last = new Map<string, Promise<void>>()

  /** Runs an action after the earlier ones of its key. @throws the action's error, which later actions do not see */
  async take<Result>(key: string, action: () => Promise<Result>): Promise<Result> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(action)
    const over = turn.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(key, over)
    const result = await turn.finally(() => {
      if (this.#last.get(key) === over) this.#last.delete(key)
    })
    return result
  }

  /** Resolves when the actions that run or wait now are over. */
  async over(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}
