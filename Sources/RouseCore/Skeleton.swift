// RouseCore
