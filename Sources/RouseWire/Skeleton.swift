// RouseWire
