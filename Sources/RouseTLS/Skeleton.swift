// RouseTLS
