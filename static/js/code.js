/* On code pages: the contents follow the reader, and the keyboard turns the page. */
