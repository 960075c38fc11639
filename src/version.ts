/** The version of all three programs; the same as in package.json, which the built programs do not read. */
export const VERSION = '0.1.0'
