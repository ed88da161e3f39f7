/** Whether this is `npm run test:long`: everything, instead of a sample of the same kind. */
export const LONG: boolean = process.env.VARVE_LONG === '1'
