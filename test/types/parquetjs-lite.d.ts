declare module 'parquetjs-lite' {
  interface Cursor {
    /** The next row, or null after the last one. */
    next(): Promise<Record<string, unknown> | null>
  }
  export class ParquetReader {
    static openFile(path: string): Promise<ParquetReader>
    getCursor(columns?: readonly string[]): Cursor
    close(): Promise<void>
  }
}
