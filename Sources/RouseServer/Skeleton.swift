// RouseServer
