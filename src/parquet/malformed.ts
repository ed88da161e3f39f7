// Owns what decoding throws.

/** Bytes that are not what a Parquet file has there. Whoever knows the file says which, and where. */
export class MalformedParquet extends Error {}
