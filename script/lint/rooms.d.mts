/** The rooms from the bottom to the top. */
export const ROOMS: readonly string[]
