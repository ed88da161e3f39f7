// `npm start`: what Varve does, in a minute. Imports a real history (a prefix of it where it ships with the
// repository), shows the store, and reads it as of three times.
